#include "qkv/translation/training_step.h"

#include <cmath>

#include "qkv/autograd/kernels/hold_signals.h"
#include "qkv/autograd/ops/cross_entropy.h"
#include "qkv/train/not_finite.h"

namespace qkv {

template <class T>
TrainingStep<T>::TrainingStep(const Seq2Seq<T>& model, int workers)
    : model_(model),
      team_(workers),
      first_moment_(model.parameters().size()),
      second_moment_(model.parameters().size()) {
  model.parameters().values();  // laid out before workers read them
  for (int i = 0; i < workers; ++i) {
    workers_.push_back(std::make_unique<Worker>());
    workers_.back()->gradients = Block<T>(model.parameters().size());
  }
}

template <class T>
typename TrainingStep<T>::Loss TrainingStep<T>::differentiate(const Batch& batch, double label_smoothing,
                                                              const DrawKey& draws) {
  const HoldSignals hold;  // once a step rather than once a product
  team_.run([&](int i) {
    const int first = batch.size * i / team_.size(), end = batch.size * (i + 1) / team_.size();
    run_shard(*workers_[static_cast<std::size_t>(i)], batch, first, end - first, label_smoothing, draws);
  });
  team_.run([&](int i) { add_up(i); });
  Loss loss;
  double squares = 0;
  for (const auto& worker : workers_) {
    loss.value += worker->loss;
    squares += worker->squares;
  }
  loss.gradient_norm = gradient_norm_ = std::sqrt(squares);
  if (!std::isfinite(loss.value) || !std::isfinite(squares)) report_not_finite(loss);
  return loss;
}

template <class T>
void TrainingStep<T>::run_shard(Worker& worker, const Batch& batch, int first, int count, double label_smoothing,
                                DrawKey draws) {
  worker.tape.rewind();
  worker.loss = 0;
  if (count == 0) {  // more workers than sentences: this one adds nothing
    std::fill_n(worker.gradients.data(), worker.gradients.size(), T(0));
    return;
  }
  const auto rows = [=](const std::vector<std::int32_t>& matrix, int width) {
    return std::span<const int>(matrix).subspan(static_cast<std::size_t>(first) * static_cast<std::size_t>(width),
                                                static_cast<std::size_t>(count) * static_cast<std::size_t>(width));
  };
  const Tokens source{rows(batch.source, batch.source_width), count, batch.source_width, rows(batch.source_lengths, 1)};
  const Tokens target{rows(batch.target_input, batch.target_width), count, batch.target_width,
                      rows(batch.target_lengths, 1)};
  const Recording recording(worker.tape);
  worker.tape.draws = draws;
  worker.tape.draws.first_row = first;
  model_.parameters().bind(worker.gradients.span());
  const Var<T> loss = cross_entropy(
      model_.logits(source, target), rows(batch.target_output, batch.target_width),
      {.ignore = pad_id, .smoothing = label_smoothing, .divide_by = static_cast<double>(batch.target_tokens)});
  worker.loss = static_cast<double>(loss.item());
  worker.tape.backward(loss);
}

template <class T>
std::pair<std::size_t, std::size_t> TrainingStep<T>::range_of(int worker) const {
  constexpr std::size_t unit = Arena::alignment / sizeof(T);  // no two workers write to one cache line
  const std::size_t units = (model_.parameters().size() + unit - 1) / unit, workers = workers_.size();
  const auto i = static_cast<std::size_t>(worker);
  return {units * i / workers * unit, std::min(units * (i + 1) / workers * unit, model_.parameters().size())};
}

template <class T>
void TrainingStep<T>::add_up(int worker) {
  const auto [begin, end] = range_of(worker);
  T* sum = workers_.front()->gradients.data();
  for (std::size_t k = 1; k < workers_.size(); ++k) {
    const T* gradients = workers_[k]->gradients.data();
    for (std::size_t i = begin; i < end; ++i) sum[i] += gradients[i];
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
void TrainingStep<T>::update(const AdamSettings& adam, double learning_rate, double clip, std::int64_t step) {
  const double scale = clip > 0 ? std::min(1.0, clip / (gradient_norm_ + 1e-6)) : 1.0;  // as torch's clip_grad_norm_
  team_.run([&](int worker) {
    const auto [begin, end] = range_of(worker);
    adam_step(adam, learning_rate, step, scale, end - begin, gradient().data() + begin,
              model_.parameters().values().data() + begin, first_moment_.data() + begin, second_moment_.data() + begin);
  });
}

template <class T>
void TrainingStep<T>::report_not_finite(const Loss& loss) const {
  for (const auto& worker : workers_)
    if (const std::string first = first_not_finite_on(worker->tape); !first.empty())
      throw std::runtime_error(fmt::format("the loss is {}: {}", loss.value, first));
  for (std::size_t i = 0; i < model_.parameters().entries().size(); ++i)
    for (T g : model_.parameters().part(gradient(), i))
      if (!std::isfinite(g))
        throw std::runtime_error(fmt::format("the gradient of {} is not finite, though the loss is {}",
                                             model_.parameters().entries()[i].name, loss.value));
  throw std::runtime_error(
      fmt::format("the gradient's norm is {}, though all its entries are finite: it overflows", loss.gradient_norm));
}

template <class T>
std::size_t TrainingStep<T>::tape_memory() const {
  std::size_t bytes = 0;
  for (const auto& worker : workers_) bytes += worker->tape.arena().peak();
  return bytes;
}

template class TrainingStep<float>;
template class TrainingStep<double>;

}  // namespace qkv
