#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "agent/handlers/table.h"
#include "agent/plan/plan.h"
#include "tests/fakes/fake_podman/fake_podman.h"
#include "tests/fakes/fake_time.h"
#include "tests/fakes/temp_dir.h"
#include "tests/unit/handlers/fake_units.h"

namespace podreeve::handlers::testing {

// A task as the store keeps it: its data outlives the run of a handler, so that running it again on
// the same data is what happens after a kill.
class StoredTask final : public state::TaskContext {
  public:
    StoredTask(std::string kind, const std::string& data);

    state::TaskId id() const override { return 1; }

    const std::string& kind() const override { return kind_; }

    const std::string& subject() const override { return subject_; }

    const nlohmann::json& data() const override { return data_; }

    const nlohmann::json& change_data() const override { return change_data_; }

    Status save(const nlohmann::json& patch) override;

    void log(std::string text) override { lines.push_back(std::move(text)); }

    void progress(state::Progress) override {}

    std::stop_token stop() const override { return stopping.get_token(); }

    // The process ends right after the save of that number (from 1 on) is committed; 0: it does
    // not.
    int dies_at_save = 0;
    int saves = 0;
    std::vector<std::string> lines;
    std::stop_source stopping;

  private:
    std::string kind_, subject_ = "web";
    nlohmann::json data_, change_data_ = nlohmann::json::object();
};

// A fake podman and a store in a directory of their own, and an app of one of everything.
class Bench {
  public:
    explicit Bench(const std::string& podman_version = "5.4.2");

    StoredTask task(plan::StepKind kind,
                    const std::string& part,
                    const std::string& object,
                    nlohmann::json details,
                    const std::string& id = "");

    // Runs a handler until it ends in something else than a retry; "" when that is Done.
    std::string run(StoredTask& task);
    std::string undo(StoredTask& task);
    state::TaskOutcome run_once(StoredTask& task);
    state::TaskOutcome undo_once(StoredTask& task);

    // Runs a step of the app that has to go well.
    void must(plan::StepKind kind,
              const std::string& part,
              const std::string& object,
              nlohmann::json details,
              const std::string& id = "");

    // The labels the plan would put on a part.
    nlohmann::json labels(const std::string& part,
                          const std::string& role,
                          const std::string& hash) const;

    // All that podman and the store hold, without ids: two equal texts are two equal worlds.
    std::string snapshot();

    fakes::TempDir temp;
    std::filesystem::path directory = temp.path();
    fakes::FakeTime time;
    std::unique_ptr<fakes::FakePodman> podman;
    std::unique_ptr<podman::Client> client;
    std::unique_ptr<state::State> state;
    SpecBook specs;
    std::shared_ptr<const manifests::AppSpec> old_spec, new_spec;
    std::string old_hash, new_hash;
    FakeUnits units;
    std::unique_ptr<CompanionWorld> companions;
    std::unique_ptr<World> world;
};

// The row of a kind; a test failure when there is none.
const KindRow* row_of(plan::StepKind kind);

}  // namespace podreeve::handlers::testing
