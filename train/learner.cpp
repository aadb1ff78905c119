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
  if (gradients == Gradients::added) {
    if (before_.size() == 0) before_ = Block<T>(parameters_.size());
    std::swap(before_, workers_.front()->gradients);
  }
  scale_ = 1;
  const bool is_shared = options_.ranks->size() > 1;
  if (is_shared && !is_checked_) check_same_options();
  std::exception_ptr failure;
  try {
    const HoldSignals hold;  // once a step rather than once a product
    team_.run([&](int i) { run_shard(*workers_[static_cast<std::size_t>(i)], shard_of(i, rows), reduction, call); });
    team_.run([&](int i) {
      add_workers(i);
      if (!is_shared) add_before_and_square(i, gradients);
    });
  } catch (...) {
    if (!is_shared) throw;
    failure = std::current_exception();
  }
  double loss = 0, squares = 0;
  for (const auto& worker : workers_) loss += worker->loss;
  if (is_shared) {
    sum_over_ranks(failure, loss);
    team_.run([&](int i) { add_before_and_square(i, gradients); });
  }
  ++batches_;
  for (const auto& worker : workers_) squares += worker->squares;
  norm_ = std::sqrt(squares);
  if (!std::isfinite(loss) || !std::isfinite(squares)) report_not_finite(loss);
  return loss;
}

template <class T>
void Learner<T>::run_shard(Worker& worker, const Shard& shard, Reduction reduction, Call call) {
  worker.tape.rewind();
  worker.loss = 0;
  if (shard.count == 0) {  // more workers than rows: this one adds nothing
    std::fill_n(worker.gradients.data(), worker.gradients.size(), T(0));
    return;
  }
  const Recording recording(worker.tape);
  worker.tape.draws = {.seed = options_.seed,
                       .step = static_cast<std::uint64_t>(batches_) + 1,
                       .first_row = shard.first,
                       .training = options_.training};
  parameters_.bind(worker.gradients.span());
  const Var<T> loss = call.function(call.loss_of, shard);
  check(loss.size() == 1, "learner: the loss has shape {}, but it must be a scalar; take its mean", loss.shape());
  const double share = reduction == Reduction::sum ? 1 : static_cast<double>(shard.count) / shard.rows;
  worker.loss = share * static_cast<double>(loss.item());
  worker.share = T(share);
  worker.tape.backward(loss, std::span<const T>(&worker.share, 1));
}

template <class T>
void Learner<T>::add_workers(int worker) {
  const auto [begin, end] = team_.template share<T>(parameters_.size(), worker);
  T* sum = workers_.front()->gradients.data();
  for (std::size_t k = 1; k < workers_.size(); ++k) {
    const T* other = workers_[k]->gradients.data();
    for (std::size_t i = begin; i < end; ++i) sum[i] += other[i];
  }
}

template <class T>
void Learner<T>::check_same_options() {
  constexpr const char* advice = "give all of them the same";
  options_.ranks->check_same(static_cast<std::uint64_t>(options_.workers), "learner: the number of workers", advice);
  options_.ranks->check_same(parameters_.size(), "learner: the number of parameters", advice);
  options_.ranks->check_same(options_.seed, "learner: the seed", advice);
  is_checked_ = true;
}

/// A rank that failed says so instead of leaving the others waiting.
template <class T>
void Learner<T>::sum_over_ranks(const std::exception_ptr& failure, double& loss) {
  double loss_and_failures[] = {loss, failure ? 1.0 : 0.0};
  options_.ranks->sum(loss_and_failures);
  if (loss_and_failures[1] > 0) options_.ranks->agree(failure);
  loss = loss_and_failures[0];
  options_.ranks->sum(workers_.front()->gradients.span());
}

/// Adds the gradient of the batches before to this worker's part of the sum, and squares that.
template <class T>
void Learner<T>::add_before_and_square(int worker, Gradients gradients) {
  const auto [begin, end] = team_.template share<T>(parameters_.size(), worker);
  T* sum = workers_.front()->gradients.data();
  if (gradients == Gradients::added) {
    const T* before = before_.data();
    for (std::size_t i = begin; i < end; ++i) sum[i] += before[i];
  }
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
  workers_[static_cast<std::size_t>(worker)]->squares = total;
}

template <class T>
double Learner<T>::clip(double largest_norm) {
  check(largest_norm > 0, "clip: the largest norm is {}, but it must be above 0", largest_norm);
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
void Learner<T>::report_not_finite(double loss) const {
  options_.ranks->together([&] {
    for (const auto& worker : workers_)
      if (const std::string first = first_not_finite_on(worker->tape); !first.empty())
        throw std::runtime_error(fmt::format("the loss is {}: {}", loss, first));
  });
  options_.ranks->together([&] {
    const std::span<const T> gradient = std::as_const(workers_.front()->gradients).span();
    for (std::size_t i = 0; i < parameters_.entries().size(); ++i)
      for (const T g : parameters_.part(gradient, i))
        if (!std::isfinite(g))
          throw std::runtime_error(fmt::format("the gradient of {} is not finite, though the loss is {}",
                                               parameters_.entries()[i].name, loss));
    throw std::runtime_error(
        fmt::format("the gradient's norm is {}, though all its entries are finite: it overflows", norm_));
  });
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
