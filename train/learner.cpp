#include "qkv/train/learner.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <type_traits>
#include <utility>

#include "qkv/autograd/kernels/hold_signals.h"
#include "qkv/autograd/random.h"
#include "qkv/train/not_finite.h"

namespace qkv {

template <class T>
Learner<T>::Learner(Parameters<T>& parameters, const LearnerOptions& options)
    : parameters_(parameters), options_(options), team_(options.workers) {
  check(options.batches_a_step >= 1, "learner: {} batches a step; there must be at least one", options.batches_a_step);
  for (int i = 0; i < options.workers; ++i) {
    workers_.push_back(std::make_unique<Worker>());
    workers_.back()->gradients = Block<T>(parameters.size());
  }
}

template <class T>
Shard Learner<T>::shard_of(int worker, int rows) const {
  const std::int64_t all = std::int64_t{team_.size()} * options_.ranks->size();
  const std::int64_t number = std::int64_t{options_.ranks->rank()} * team_.size() + worker;
  const int from = static_cast<int>(rows * number / all), to = static_cast<int>(rows * (number + 1) / all);
  return {from, to - from, rows};
}

template <class T>
double Learner<T>::run(int rows, Reduction reduction, Call call, Gradients gradients) {
  check(rows >= 1, "learner: a batch of {} rows; there must be at least one", rows);
  Ranks& ranks = *options_.ranks;
  const bool is_shared = ranks.size() > 1;
  batch_of_step_ = gradients == Gradients::added ? batch_of_step_ + 1 : 1;
  sums_meanwhile_ = is_shared && batch_of_step_ >= options_.batches_a_step;
  if (batch_of_step_ > 1) {
    if (before_.size() == 0) before_ = Block<T>(parameters_.size());
    std::swap(before_, workers_.front()->gradients);
    if (is_shared && is_summed_ && !ranks.is_first())
      std::fill_n(before_.data(), before_.size(), T(0));  // the sum so far is to be counted once
  }
  scale_ = 1;
  if (is_shared && !is_checked_) check_same_options();
  unsummed_ = parameters_.size();
  for (const auto& worker : workers_) worker->complete_from = parameters_.size();
  std::exception_ptr failure;
  try {
    const HoldSignals hold;  // once a step rather than once a product
    team_.run([&](int i) { run_shard(*workers_[i], shard_of(i, rows), reduction, call); });
    team_.run([&](int i) {
      const auto [begin, end] = team_.template share<T>(unsummed_, i);
      add_up(begin, end);
      if (!sums_meanwhile_) square(i);
    });
  } catch (...) {
    if (!is_shared) throw;
    failure = std::current_exception();
  }
  loss_ = 0;
  for (const auto& worker : workers_) loss_ += worker->loss;
  take_norm();
  const bool is_finite = is_shared ? meet(failure) : std::isfinite(loss_) && std::isfinite(norm_);
  ++batches_;
  if (!is_finite) report_not_finite();
  return loss_;
}

/// Sums the loss over ranks, with it the rest of a gradient that is summed meanwhile, and returns whether they are
/// finite. A rank that failed comes here too, to say so instead of leaving the others waiting.
template <class T>
bool Learner<T>::meet(const std::exception_ptr& failure) {
  Ranks& ranks = *options_.ranks;
  if (sums_meanwhile_)
    while (unsummed_ > 0) start_last_sum();
  double numbers[] = {loss_, failure ? 1.0 : 0.0, std::isfinite(norm_) ? 0.0 : 1.0};
  ranks.start_sum(numbers);
  ranks.finish_sums();
  if (numbers[1] > 0) ranks.agree(failure);
  loss_ = numbers[0];
  is_summed_ = sums_meanwhile_;
  if (!is_summed_) return std::isfinite(loss_) && numbers[2] == 0;
  team_.run([&](int i) { square(i); });
  take_norm();
  return std::isfinite(loss_) && std::isfinite(norm_);
}

template <class T>
void Learner<T>::run_shard(Worker& worker, const Shard& shard, Reduction reduction, Call call) {
  worker.tape.rewind();
  worker.loss = 0;
  if (shard.count == 0) {  // more workers than rows: this one adds nothing
    std::fill_n(worker.gradients.data(), worker.gradients.size(), T(0));
    worker.complete_from = 0;
    return;
  }
  const Recording recording(worker.tape);
  worker.tape.draws = {.seed = options_.seed,
                       .step = static_cast<std::uint64_t>(batches_) + 1,
                       .first_row = shard.first,
                       .training = options_.training};
  parameters_.bind(worker.gradients.span());
  const Var<T>* leaves = worker.tape.leaves_of(&parameters_);
  const Var<T> loss = call.function(call.loss_of, shard);
  check(loss.size() == 1, "learner: the loss has shape {}, but it must be a scalar; take its mean", loss.shape());
  const double share = reduction == Reduction::sum ? 1 : static_cast<double>(shard.count) / shard.rows;
  worker.loss = share * static_cast<double>(loss.item());
  worker.share = T(share);
  run_backward(worker, loss, leaves);
}

/// Runs backward from the loss. Where ranks sum meanwhile, each worker tells how far its gradients are complete, and
/// the first starts the sums: it is the thread that may talk to other ranks.
template <class T>
void Learner<T>::run_backward(Worker& worker, Var<T> loss, const Var<T>* leaves) {
  const std::span<const T> seed(&worker.share, 1);
  if (!sums_meanwhile_) return worker.tape.backward(loss, seed);
  worker.complete.look_at(worker.tape, parameters_, leaves);
  const bool is_first = &worker == workers_.front().get();
  const typename Tape<T>::Seed only{loss, seed};
  worker.tape.backward(std::span(&only, 1), [&](const Closure<T>* closure) {
    closure->run(closure);
    worker.complete_from.store(worker.complete.after(closure), std::memory_order_release);
    if (is_first) sum_what_is_complete();
  });
  worker.complete_from.store(0, std::memory_order_release);
}

/// How many numbers ranks sum at once: few enough to begin soon, and to be handed over between two operations; so many
/// that the network's latency does not matter. All ranks sum from the block's end to its begin.
constexpr std::size_t numbers_at_once = std::size_t{1} << 18;

constexpr std::size_t begin_of_last(std::size_t numbers) { return (numbers - 1) / numbers_at_once * numbers_at_once; }

/// Starts to sum over ranks what is complete on all workers.
template <class T>
void Learner<T>::sum_what_is_complete() {
  std::size_t complete_from = 0;
  for (const auto& worker : workers_)
    complete_from = std::max(complete_from, worker->complete_from.load(std::memory_order_acquire));
  while (unsummed_ > 0 && begin_of_last(unsummed_) >= complete_from) {
    add_up(begin_of_last(unsummed_), unsummed_);
    start_last_sum();
  }
  options_.ranks->proceed();
}

template <class T>
void Learner<T>::start_last_sum() {
  const std::size_t begin = begin_of_last(unsummed_);
  options_.ranks->start_sum(workers_.front()->gradients.span().subspan(begin, unsummed_ - begin));
  unsummed_ = begin;
}

template <class T>
void Learner<T>::check_same_options() {
  constexpr const char* advice = "give all of them the same";
  options_.ranks->check_same(static_cast<std::uint64_t>(options_.workers), "learner: the number of workers", advice);
  options_.ranks->check_same(parameters_.size(), "learner: the number of parameters", advice);
  options_.ranks->check_same(options_.seed, "learner: the seed", advice);
  is_checked_ = true;
}

/// Adds up these numbers of the gradient, over workers in their order and to those of the batches before.
template <class T>
void Learner<T>::add_up(std::size_t begin, std::size_t end) {
  T* sum = workers_.front()->gradients.data();
  const auto add = [&](const T* other) {
    for (std::size_t i = begin; i < end; ++i) sum[i] += other[i];
  };
  for (std::size_t k = 1; k < workers_.size(); ++k) add(workers_[k]->gradients.data());
  if (batch_of_step_ > 1) add(before_.data());
}

/// Squares this worker's part of the sum.
template <class T>
void Learner<T>::square(int worker) {
  const auto [begin, end] = team_.template share<T>(parameters_.size(), worker);
  const T* sum = workers_.front()->gradients.data();
  constexpr std::size_t lanes = 16;  // partial sums in double that the compiler keeps in vector registers
  double squares[lanes] = {};
  std::size_t i = begin;
  for (; i + lanes <= end; i += lanes)
    for (std::size_t lane = 0; lane < lanes; ++lane) {
      const auto g = static_cast<double>(sum[i + lane]);
      squares[lane] += g * g;
    }
  for (; i < end; ++i) squares[0] += static_cast<double>(sum[i]) * static_cast<double>(sum[i]);
  double total = 0;
  for (double part : squares) total += part;
  workers_[worker]->squares = total;
}

template <class T>
void Learner<T>::take_norm() {
  double squares = 0;
  for (const auto& worker : workers_) squares += worker->squares;
  norm_ = std::sqrt(squares);
}

template <class T>
void Learner<T>::sum_over_ranks() {
  if (is_summed_) return;
  options_.ranks->sum(workers_.front()->gradients.span());
  is_summed_ = true;
  team_.run([&](int i) { square(i); });
  take_norm();
  if (!std::isfinite(norm_)) report_not_finite();
}

template <class T>
double Learner<T>::norm() {
  sum_over_ranks();
  return norm_;
}

template <class T>
Gradient<T> Learner<T>::gradient() {
  sum_over_ranks();
  return {workers_.front()->gradients.span(), scale_, &team_};
}

template <class T>
double Learner<T>::clip(double largest_norm) {
  check(largest_norm > 0, "clip: the largest norm is {}, but it must be above 0", largest_norm);
  sum_over_ranks();
  scale_ = std::min(1.0, largest_norm / (norm_ + 1e-6));
  return norm_;
}

template <class T>
void Learner<T>::check_same_parameters() const {
  if (options_.ranks->size() == 1) return;
  std::uint64_t hash = 0;
  for (const T number : std::as_const(parameters_).values())
    hash = mix64(hash + std::bit_cast<std::conditional_t<sizeof(T) == 4, std::uint32_t, std::uint64_t>>(number));
  options_.ranks->check_same(
      hash, "a parameter",
      "they began alike only if their seeds or files are the same, and stay so only if their processors compute alike: "
      "for unlike machines, build with -DQKV_NATIVE=OFF");
}

/// Throws what there is to say of a loss or a gradient that is not finite: first of where that began, on whichever
/// process's tape it did.
template <class T>
void Learner<T>::report_not_finite() const {
  options_.ranks->together([&] {
    for (const auto& worker : workers_)
      if (const std::string first = first_not_finite_on(worker->tape); !first.empty())
        throw std::runtime_error(fmt::format("the loss is {}: {}", loss_, first));
  });
  options_.ranks->together([&] {
    const std::span<const T> gradient = std::as_const(workers_.front()->gradients).span();
    for (std::size_t i = 0; i < parameters_.entries().size(); ++i)
      for (const T g : parameters_.part(gradient, i))
        if (!std::isfinite(g))
          throw std::runtime_error(fmt::format("the gradient of {} is not finite, though the loss is {}",
                                               parameters_.entries()[i].name, loss_));
  });
  options_.ranks->together([&] {
    if (std::isfinite(norm_) && std::isfinite(loss_)) return;
    throw std::runtime_error(
        fmt::format("the gradient's norm is {}, though all its entries are finite: it overflows", norm_));
  });
  throw std::logic_error("learner: nothing is infinite on any rank");
}

template <class T>
std::size_t Learner<T>::tape_memory() const {
  std::size_t bytes = 0;
  for (const auto& worker : workers_) bytes += worker->tape.arena().peak();
  return bytes;
}

template class Learner<float>;
template class Learner<double>;

}  // namespace qkv
