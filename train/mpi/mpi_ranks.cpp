#include "qkv/train/mpi/mpi_ranks.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstddef>
#include <exception>
#include <mpi.h>
#include <thread>
#include <vector>

namespace qkv {
namespace {

using Clock = std::chrono::steady_clock;

/// Waits until the request is done. A step's sums come soon, and are moved on by each test; for what takes long, such
/// as a validation on another rank, the processor is given away. False if `gives_up()` says so between two tests, or
/// where MPI fails.
template <class GivesUp>
bool wait(MPI_Request& request, const GivesUp& gives_up) {
  const Clock::time_point start = Clock::now();
  for (int is_done = 0;;) {
    if (MPI_Test(&request, &is_done, MPI_STATUS_IGNORE) != MPI_SUCCESS) return false;
    if (is_done != 0) return true;
    const auto waited = Clock::now() - start;
    if (waited > std::chrono::milliseconds(1) && gives_up()) return false;
    if (waited > std::chrono::milliseconds(20))
      std::this_thread::sleep_for(std::chrono::microseconds(200));
    else
      std::this_thread::yield();
  }
}

/// True from so long after it was first asked while `is_on`.
class Patience {
 public:
  explicit Patience(std::chrono::milliseconds length) : length_(length) {}
  bool is_over(bool is_on) {
    if (!is_on) return false;
    if (since_ == Clock::time_point{}) since_ = Clock::now();
    return Clock::now() - since_ > length_;
  }

 private:
  std::chrono::milliseconds length_;
  Clock::time_point since_{};
};

/// mpirun ends a process some 0.3 seconds after SIGTERM; the rest of that is for saving.
constexpr std::chrono::milliseconds patience{50};

/// What mpirun sends a second before SIGTERM, and a shell that goes on with a program which was stopped.
std::atomic<bool> is_continued{false};
constexpr std::chrono::milliseconds patience_once_continued{300};

extern "C" void note_continuing(int) { is_continued = true; }

constexpr const char* lost = "another process of the training no longer answers";

/// MPI counts in int.
constexpr std::size_t most_at_once = std::size_t{1} << 30;

}  // namespace

/// The sums that were started and not waited for, in that order.
struct MpiRanks::Sums {
  std::vector<MPI_Request> requests;

  bool start(void* numbers, int count, MPI_Datatype type) {
    requests.push_back(MPI_REQUEST_NULL);
    return MPI_Iallreduce(MPI_IN_PLACE, numbers, count, type, MPI_SUM, MPI_COMM_WORLD, &requests.back()) == MPI_SUCCESS;
  }
};

MpiRanks::MpiRanks(const StopFlag& stop)
    : stop_(stop), exceptions_(std::uncaught_exceptions()), sums_(std::make_unique<Sums>()) {
  if (processes_started() == 1) return;
  int given = 0;
  if (MPI_Init_thread(nullptr, nullptr, MPI_THREAD_FUNNELED, &given) != MPI_SUCCESS || given < MPI_THREAD_FUNNELED)
    throw std::runtime_error("MPI could not be started with threads beside the one that calls it");
  MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN);
  struct sigaction before {};
  ::sigaction(SIGCONT, nullptr, &before);
  if (before.sa_handler == SIG_DFL) std::signal(SIGCONT, note_continuing);
  MPI_Comm_rank(MPI_COMM_WORLD, &rank_);
  MPI_Comm_size(MPI_COMM_WORLD, &size_);
}

MpiRanks::~MpiRanks() {
  int is_started = 0;
  MPI_Initialized(&is_started);
  const bool is_failing = std::uncaught_exceptions() > exceptions_;
  if (is_started == 0 || is_lost_ || (is_failing && !failed_together())) return;
  // MPI_Finalize waits for all ranks, and keeps the processor while it does.
  MPI_Request request = MPI_REQUEST_NULL;
  MPI_Ibarrier(MPI_COMM_WORLD, &request);
  Patience waiting(patience);
  if (wait(request, [&] { return waiting.is_over(is_failing || stop_); })) MPI_Finalize();
  // The first process to end with a failure makes mpirun end the others, and what they print then is lost.
  if (is_failing && another_says_why()) std::this_thread::sleep_for(std::chrono::milliseconds(500));
}

void MpiRanks::sum(std::span<float> numbers) {
  start_sum(numbers);
  finish_sums();
}

void MpiRanks::sum(std::span<double> numbers) {
  start_sum(numbers);
  finish_sums();
}

void MpiRanks::start_sum(std::span<float> numbers) { start(numbers, MPI_FLOAT); }
void MpiRanks::start_sum(std::span<double> numbers) { start(numbers, MPI_DOUBLE); }

template <class T, class Datatype>
void MpiRanks::start(std::span<T> numbers, Datatype type) {
  if (size_ == 1) return;
  for (std::size_t begin = 0; begin < numbers.size(); begin += most_at_once) {
    const std::size_t count = std::min(numbers.size() - begin, most_at_once);
    is_lost_ = is_lost_ || !sums_->start(numbers.data() + begin, static_cast<int>(count), type);
    if (is_lost_) throw RankLost(lost);
  }
}

void MpiRanks::proceed() {
  std::vector<MPI_Request>& requests = sums_->requests;
  if (is_lost_ || requests.empty()) return;
  int are_done = 0;
  is_lost_ =
      MPI_Testall(static_cast<int>(requests.size()), requests.data(), &are_done, MPI_STATUSES_IGNORE) != MPI_SUCCESS;
}

void MpiRanks::finish_sums() {
  for (MPI_Request& request : sums_->requests) {
    Patience waiting(patience), waiting_once_continued(patience_once_continued);
    const auto gives_up = [&] {
      return waiting.is_over(stop_) || waiting_once_continued.is_over(is_first() && is_continued);
    };
    is_lost_ = is_lost_ || !wait(request, gives_up);
    if (is_lost_) throw RankLost(lost);
    is_continued = false;
  }
  sums_->requests.clear();
}

}  // namespace qkv
