#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include "manifests/model.h"
#include "runtime/base/disk_waits.h"
#include "runtime/base/mutex.h"

namespace podreeve::handlers {

// The app specs that changes under way lead to, by app and hash: tasks carry only the hash, since a
// spec can hold secrets and tasks are stored. The pass puts in what it plans with; what is not in
// it any more, or not yet after a restart, is asked of the fallback (the accepted versions on
// disk). Any thread. The fallback is called by one thread at a time, without the book's lock held;
// who asks it is told to disk, since the asker may hold a lock that the loop waits for.
class SpecBook {
  public:
    using Spec = std::shared_ptr<const manifests::AppSpec>;
    using Fallback = std::function<Spec(const std::string& app, const std::string& spec_hash)>;

    // disk: the one the fallback reads; null: nobody watches over it. It outlives the book.
    explicit SpecBook(Fallback fallback = {}, DiskWaits* disk = nullptr);

    // Keeps the newest three of an app: the one that runs, the one on its way and one superseded.
    void put(const std::string& spec_hash, Spec spec);
    // Null when neither the book nor the fallback has it.
    Spec find(const std::string& app, const std::string& spec_hash);
    void forget(const std::string& app);

  private:
    using Kept = std::deque<std::pair<std::string, Spec>>;  // newest first

    Spec ask(const std::string& app, const std::string& spec_hash);
    Spec find_kept(const std::string& app, const std::string& spec_hash);

    Fallback fallback_;
    DiskWaits* disk_;
    std::mutex asking_;
    Guarded<std::map<std::string, Kept>> apps_;
};

}  // namespace podreeve::handlers
