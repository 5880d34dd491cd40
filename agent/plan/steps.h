#pragma once

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "agent/plan/plan.h"

// clang-format off
// What the steps of a plan hold: the contract between plan, which writes Step.details, and the
// handlers, which carry the steps out. Pure values and functions; any thread.
//
// Every step: object is podman's name of the thing, id its full id when it was there already (then
// act on the id: the name may have moved on), part the part of the app it belongs to ("" where it
// belongs to all of it). inverse says what undo does, in words. A step that is not to be undone has
// an empty inverse and "undo": false in its details: all of a repair, a removal and a stop, whose
// former state nobody wants back. In a deploy, steps are undone in reverse order.
//
// `labels` is the whole set of podreeve's labels for the new object (app, part, role, spec,
// generation, owner, order, ports): put on beside the person's own, winning over them. Every other value
// of a new object comes from the AppSpec that the change leads to, by `part`. A key with a question
// mark may be missing, all others are always there.
//
// In a deploy, leftover?: true on what only clears away what the version before left, once the new one
// runs: one that fails is told, as the event LeftBehind, and is Done, since what comes back otherwise is
// a version whose containers are gone by then.
//
// kind                object, id           details; undo
// check-ports         app, -               ports: [{host_ip, host_port, protocol, part}]: free now?
//                                          Only in a deploy.
// pull-image          image reference, -   policy: Always|IfNotPresent|Never. IfNotPresent: only when
//                                          it is not here. Never: it is an error when it is not
//                                          here. Undo: nothing, it stays.
// ensure-network      network, -           labels. Made when missing. Undo: nothing, it stays.
// create-volume       volume, -            labels, origin: claim|plain|empty-dir|config-map|secret.
//                                          lost?: true, when it held data and is gone from podman.
//                                          There already is Ok. Undo: removes it, if this task made
//                                          it and origin is none of claim and plain.
// write-volume-files  volume, -            spec: hash of the VolumeSpec. Writes what differs and
//                                          removes files that are not in it.
//                                          Undo: the files of the spec that was deployed before.
// create-secret       secret, id?          labels, replace: bool (there, but with other content).
//                                          Undo: the secret of the spec deployed before, or removes.
// create-service      APP-service, -       labels, held: bool. held: podman ties it to pods (play of
//                                          a stub pod, rename; the stub stays until create-pod has
//                                          made the first pod, else the service goes with it); not
//                                          held: an ordinary container with those labels, made and
//                                          not started. There already (a rerun) is Ok.
//                                          Undo: removes it, and the stub.
// create-pod          pod, -               labels, held: bool, service: name of the service container
//                                          or "". The handler looks its full id up and puts it into
//                                          serviceContainerID (held) and into the label
//                                          io.podreeve.service; then removes the stub, if it is
//                                          there. Undo: removes the pod.
// create-container    container, -         labels, pod: podman's name of the pod or "", role:
//                                          workload|init (init: init_container_type once), image.
//                                          Undo: removes it, by force.
// start-pod           pod, id?             service, held, containers: names of those that have to be
//                                          running afterwards (init containers are not in it).
//                                          Undo: stops it.
// start-container     container, id?       pod, role: workload|service. Undo: stops it.
// stop-container      container, id        grace?: seconds (missing: its spec is gone; take that of
//                                          the accepted spec, or 10), role: workload|init|service.
//                                          Undo: starts it, if it ran when this task began.
// retain-container    container, id        retained: the name it gets. Undo: renames it to object.
// rename-container    container, id        object is the name it gets back. Undo: nothing.
// remove-container    container, id        force: true, why: retained|unwanted|duplicate|stuck|removed
//                                          |replaced. object may be the name it was retained under.
//                                          Absent is Ok. Undo: nothing; in a deploy it comes after
//                                          every start, unless what it removes was broken.
// stop-pod            pod, id              grace?: the longest of its members.
//                                          Undo: starts the members that ran when this task began.
// remove-pod          pod, id              why: replaced|unwanted|duplicate|stub|stuck|broken
//                                          |removed|service, force: true, old_spec: its io.podreeve.spec
//                                          label, old_generation, service, held. Absent is Ok.
//                                          Undo: makes it again with its containers and, when that is
//                                          gone, the service container, from the spec that was
//                                          deployed before, if the pod of that part there has the
//                                          label_spec old_spec; does not start it.
// remove-service      APP-service, id      held: bool. Podman removes a held one by itself with the
//                                          last pod, a moment later: wait for that, then by force.
//                                          Undo: nothing.
// remove-secret       secret, id           Undo: nothing.
// remove-volume       volume, -            origin. Absent is Ok. Undo: nothing.
// mark-deployed       app, -               spec, generation. Undo: writes what stood there before.
//
// Of companions; object is a unit file, a service, or the app:
// note-units          app, -               services: which of these run. Undo: gives the files that are
//                                          the former ones their time, reload, start those.
// install-unit        file, -              folder: the app's, generation, own_drop_in: the text of
//                                          podreeve's own drop-in or "", since?: the time to give
//                                          the files (ns). Text and drop-ins are those of the spec.
//                                          Undo: writes the files that were there, or removes it.
// remove-unit         file, -              folder. Absent is Ok. Undo: writes the files again.
// reload-units        app, -               reloads: how many the agent had made when it looked. Once for
//                                          all that wait for it. Undo: nothing.
// start-unit          service, -           Undo: stops it, unless it ran before.
// stop-unit, restart-unit, reset-failed    service, -. Undo: nothing; note-units does it.
// remove-leftover     service, -           container: its name, told from the unit of ours. Removes
//                                          it if it has that unit's label too, once the unit is
//                                          down; a label alone may be anybody's. Undo: nothing.
//
// A service container that is not held and has been made is started by a start-container of its own
// before any start-pod, and stopped by a stop-container after the last.
// clang-format on
namespace podreeve::plan {

// On pods and lone containers: the host ports they publish, "8080/tcp 127.0.0.1:53/udp", sorted.
// Told from it: which ports an app holds already, so that only new ones are checked.
inline constexpr const char* kLabelPorts = "io.podreeve.ports";

// On pods and lone containers: the place among those of the app when it was made, from 0 on. The
// order to stop an app in once its spec is gone.
inline constexpr const char* kLabelOrder = "io.podreeve.order";

// io.podreeve.role of what is neither container nor pod. Volumes of the first two are never
// removed.
inline constexpr const char* kRoleVolumeClaim = "volume-claim";
inline constexpr const char* kRoleVolumePlain = "volume-plain";
inline constexpr const char* kRoleVolumeEmptyDir = "volume-empty-dir";
inline constexpr const char* kRoleVolumeConfigMap = "volume-config-map";
inline constexpr const char* kRoleVolumeSecret = "volume-secret";
inline constexpr const char* kRoleSecret = "secret";
inline constexpr const char* kRoleNetwork = "network";
inline constexpr const char* kRolePod = "pod";
inline constexpr const char* kRoleService = "service";
// Of the pod that kube play needs in order to make a service container; gone when all is done.
// Label it so (app, owner, role, part = kStubPart): one that a kill left over is then cleared away.
inline constexpr const char* kRoleStub = "stub";
inline constexpr const char* kStubPart = "_stub";
inline constexpr const char* kServicePart = "_service";

// How the service container of an app is called when it is made: 12 hex digits of owner and app and
// "-service", which is in nobody's way. Told from others by labels, its own or those of its pods;
// one that was made under another name keeps that.
std::string service_name(const std::string& app, const std::string& owner);

// "web", its id -> "web-retained-0123456789ab". Told by is_retained, which also says whose it was.
std::string retained_name(const std::string& name, const std::string& id);
bool is_retained(std::string_view name);

// The value of io.podreeve.spec. A container's is manifests::spec_hash of it; a pod's also covers
// its init containers, since those are gone once they have run; a secret's covers its data.
std::string label_spec(const manifests::ContainerSpec& spec);
std::string label_spec(const manifests::AppSpec& app, const manifests::PodSpec& spec);
std::string label_spec(const manifests::SecretSpec& spec);

// The images whose presence the plan would like to know before it is carried out (see
// Plan::needs_resources): those of its pull-image steps.
std::set<std::string> images_asked_for(const Plan& plan);

// Which lane each step of an app runs in, from 1 on. A deploy, a removal and a stop stand or fall
// as one; in a repair, parts that do not hang together have a lane each, so that one that cannot be
// mended does not hold up the others.
std::vector<int> lanes(const AppPlan& plan);

}  // namespace podreeve::plan
