// Parallel loops over tasks whose number never depends on the number of threads.
#pragma once

#include <algorithm>
#include <atomic>
#include <exception>
#include <functional>
#include <memory>
#include <vector>

#include "cfensemble/config.hpp"

#ifdef _OPENMP
#include <omp.h>
#endif

namespace cfensemble {

// How a kernel runs: on how many threads, and whom it asks now and then whether to stop (by throwing).
struct Execution {
    int n_threads = 1;
    std::function<void()> poll = [] {};
};

// The most threads OpenMP would start for this process; 1 in a build without OpenMP.
int max_threads();

// n_threads; but 1 without OpenMP, and in a forked child: the parent's team does not exist there, and waiting for it
// hangs.
int usable_threads(int n_threads);

// How many threads a pass of so many multiply-adds is worth: starting and joining a team costs some ten microseconds on
// an idle machine, and a scheduler's time slice on a busy one.
inline Execution worthwhile(Index multiply_adds, const Execution& execution) {
    constexpr Index kWorthATeam = Index(1) << 20;
    return {multiply_adds < kWorthATeam ? 1 : execution.n_threads, execution.poll};
}

// Calls body(task, thread, checkpoint) for every task in [0, n_tasks); 0 <= thread < n_threads, for scratch memory. A
// body calls checkpoint() every millisecond or so: on the calling thread it polls, and it throws if that, or a task
// before this one, has failed. An exception never leaves the parallel region: the remaining tasks are skipped, and of
// the tasks that failed the first one's is rethrown once all threads are done.
template <class Body>
void parallel_for(Index n_tasks, const Execution& execution, const Body& body) {
    const int team = static_cast<int>(std::min<Index>(usable_threads(execution.n_threads), n_tasks));
    if (team <= 1) {
        for (Index task = 0; task < n_tasks; ++task) body(task, 0, execution.poll);
        return;
    }
#ifdef _OPENMP
    std::exception_ptr error;
    std::atomic<Index> failed_task{n_tasks};
#pragma omp parallel for num_threads(team) schedule(dynamic, 1)
    for (Index task = 0; task < n_tasks; ++task) {
        struct Abandoned {};
        const int thread = omp_get_thread_num();
        const auto checkpoint = [&] {
            if (thread == 0) execution.poll();
            if (failed_task.load(std::memory_order_relaxed) < task) throw Abandoned{};
        };
        try {
            checkpoint();
            body(task, thread, checkpoint);
        } catch (const Abandoned&) {
        } catch (...) {
#pragma omp critical(cfensemble_parallel_for)
            if (task < failed_task) {
                failed_task = task;
                error = std::current_exception();
            }
        }
    }
    if (error) std::rethrow_exception(error);
#endif
}

// An object for each thread, made when the thread first asks for it.
template <class Object>
class PerThread {
  public:
    explicit PerThread(const Execution& execution) : objects_(static_cast<std::size_t>(execution.n_threads)) {}

    template <class... Arguments>
    Object& get(int thread, const Arguments&... arguments) {
        std::unique_ptr<Object>& object = objects_[static_cast<std::size_t>(thread)];
        if (!object) object = std::make_unique<Object>(arguments...);
        return *object;
    }

  private:
    std::vector<std::unique_ptr<Object>> objects_;
};

}  // namespace cfensemble
