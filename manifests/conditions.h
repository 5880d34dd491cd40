#pragma once

#include <string>
#include <vector>

#include "manifests/model.h"
#include "manifests/place.h"

// What an app waits for besides other apps, as both dialects write it.
namespace podreeve::manifests {

// A list of maps, each with one of path, port, network, time, image, unit, app (with `is`), all,
// any. What is wrong is told; all of those that can be read are given.
std::vector<StartCondition> read_conditions(const Place& list);

// The same on one line, for an annotation: "path=/mnt/data, port=127.0.0.1:5432 | unit=x.service";
// a comma is "and", a bar "or" and binds closer.
std::vector<StartCondition> read_condition_line(const Place& place);

}  // namespace podreeve::manifests
