#include "qkv/study/explain/rules.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <fmt/format.h>

namespace qkv {
namespace {

/// log Σ exp(z[from + j]) over `count` numbers, shifted so that nothing overflows.
Moving log_sum(int quantity, std::int64_t from, int count, const Rule::Read& read) {
  std::vector<Moving> z;
  for (int j = 0; j < count; ++j) z.push_back(read(Piece::of(quantity, from + j)));
  const Moving largest = *std::max_element(z.begin(), z.end());
  Moving sum(0);
  for (const Moving& x : z) sum += exp(x - largest);
  return largest + log(sum);
}

}  // namespace

SumOfProducts::SumOfProducts(int self, std::int64_t size, std::vector<int> inputs, Products products, std::string note)
    : self_(self), size_(size), products_(std::move(products)), note_(std::move(note)) {
  for (const int input : inputs)  // one may be given twice: multiply(x, x)
    if (std::find(inputs_.begin(), inputs_.end(), input) == inputs_.end()) inputs_.push_back(input);
}

Moving SumOfProducts::evaluate(std::int64_t k, const Read& read) const {
  Moving sum(0);
  products_(k, [&](std::span<const Piece> product) {
    Moving term(1);
    for (const Piece& piece : product) term *= read(piece);
    sum += term;
  });
  return sum;
}

void SumOfProducts::backward(int input, std::int64_t only, const VisitAt& visit) const {
  Product term;
  for (std::int64_t k = 0; k < size_; ++k)
    products_(k, [&](std::span<const Piece> product) {
      for (std::size_t i = 0; i < product.size(); ++i) {
        if (product[i].quantity != input || (only != every && product[i].element != only)) continue;
        term.clear();  // plain numbers first, as in −scale · dy · x
        for (const Piece& piece : product)
          if (piece.quantity < 0) term.push_back(piece);
        term.push_back(Piece::gradient_of(self_, k));
        for (std::size_t other = 0; other < product.size(); ++other)
          if (other != i && product[other].quantity >= 0) term.push_back(product[other]);
        visit(product[i].element, term);
      }
    });
}

Elementwise::Elementwise(const Quantities& all, int self, int input, Function f, const char* expression,
                         const char* slope)
    : all_(all), self_(self), input_(input), f_(f), expression_(expression), slope_(slope) {}

void Elementwise::terms(std::int64_t k, const Visit& visit) const { visit(std::array{Piece::of(input_, k)}); }

void Elementwise::backward(int, std::int64_t only, const VisitAt& visit) const {
  const std::int64_t first = only == every ? 0 : only, end = only == every ? all_[self_].size() : only + 1;
  for (std::int64_t k = first; k < end; ++k) {
    Moving x(all_.value(input_, k));
    x.d[0] = 1;
    visit(k, std::array{Piece::plain(f_(x).d[0], slope_), Piece::gradient_of(self_, k)});
  }
}

SoftmaxRule::SoftmaxRule(const Quantities& all, int self, int input, int sigma, int keys,
                         std::function<int(int)> allowed)
    : all_(all), self_(self), input_(input), sigma_(sigma), keys_(keys), allowed_(std::move(allowed)) {}

Moving SoftmaxRule::evaluate(std::int64_t k, const Read& read) const {
  const std::int64_t row = k / keys_;
  const int seen = allowed_(static_cast<int>(row));
  if (k % keys_ >= seen) return {0};
  return exp(read(Piece::of(input_, k)) - log_sum(input_, row * keys_, seen, read));
}

void SoftmaxRule::terms(std::int64_t k, const Visit& visit) const {
  const std::int64_t row = k / keys_;
  const int seen = allowed_(static_cast<int>(row));
  if (k % keys_ >= seen) return;
  for (int j = 0; j < seen; ++j) visit(std::array{Piece::of(input_, row * keys_ + j)});
}

std::string SoftmaxRule::note() const { return "each term is one share of the whole, 1"; }

void SoftmaxRule::backward(int, std::int64_t only, const VisitAt& visit) const {
  const std::int64_t first = only == every ? 0 : only, end = only == every ? all_[self_].size() : only + 1;
  for (std::int64_t k = first; k < end; ++k) {
    const std::int64_t row = k / keys_;
    if (k % keys_ >= allowed_(static_cast<int>(row))) continue;
    visit(k, std::array{Piece::of(self_, k), Piece::gradient_of(self_, k)});
    visit(k, std::array{Piece::minus(), Piece::of(self_, k), Piece::of(sigma_, row)});
  }
}

SigmaRule::SigmaRule(int self, int softmax, int rows, int keys)
    : SumOfProducts(
          self, rows, {softmax},
          [=](std::int64_t row, const Visit& visit) {
            for (std::int64_t k = row * keys; k < (row + 1) * keys; ++k)
              visit(std::array{Piece::of(softmax, k), Piece::gradient_of(softmax, k)});
          },
          "what the weights of this row would gain together: softmax takes it from each, because they sum to 1") {}

Moving NormOfGradient::evaluate(std::int64_t k, const Read& read) const {
  Moving sum(0);
  for (std::int64_t at = k * width_; at < (k + 1) * width_; ++at) {
    const Moving d = read(Piece::gradient_of(input_, at));
    sum += d * d;
  }
  return sqrt(sum);
}

void NormOfGradient::terms(std::int64_t k, const Visit& visit) const {
  for (std::int64_t at = k * width_; at < (k + 1) * width_; ++at) visit(std::array{Piece::gradient_of(input_, at)});
}

Normalise::Normalise(const Quantities& all, int self, int input, int width, double eps)
    : all_(all), self_(self), input_(input), width_(width), eps_(eps) {}

Normalise::Row Normalise::row_of(std::int64_t row, const Read& read) const {
  Moving mean(0), variance(0);
  for (int c = 0; c < width_; ++c) mean += read(Piece::of(input_, row * width_ + c));
  mean /= Moving(width_);
  for (int c = 0; c < width_; ++c) {
    const Moving difference = read(Piece::of(input_, row * width_ + c)) - mean;
    variance += difference * difference;
  }
  return {mean, Moving(1) / sqrt(variance / Moving(width_) + Moving(eps_))};
}

Moving Normalise::evaluate(std::int64_t k, const Read& read) const {
  const Row row = row_of(k / width_, read);
  return (read(Piece::of(input_, k)) - row.mean) * row.inverse_deviation;
}

void Normalise::terms(std::int64_t k, const Visit& visit) const {
  const Row row = row_of(k / width_, [&](const Piece& piece) { return Moving(all_.number(piece)); });
  const Piece inverse = Piece::plain(row.inverse_deviation.value, "1/deviation");
  visit(std::array{inverse, Piece::of(input_, k)});
  visit(std::array{Piece::minus(), inverse, Piece::plain(row.mean.value, "mean")});
}

std::string Normalise::note() const { return "mean and deviation are those of all features of the row"; }

void Normalise::backward(int, std::int64_t only, const VisitAt& visit) const {
  const std::int64_t rows = all_[self_].size() / width_;
  for (std::int64_t row = only == every ? 0 : only / width_; row < (only == every ? rows : only / width_ + 1); ++row) {
    const Row numbers = row_of(row, [&](const Piece& piece) { return Moving(all_.number(piece)); });
    double mean_gradient = 0, mean_product = 0;
    for (std::int64_t k = row * width_; k < (row + 1) * width_; ++k) {
      mean_gradient += all_.gradient(self_, k) / width_;
      mean_product += all_.gradient(self_, k) * all_.value(self_, k) / width_;
    }
    const Piece inverse = Piece::plain(numbers.inverse_deviation.value, "1/deviation");
    for (std::int64_t k = row * width_; k < (row + 1) * width_; ++k) {
      if (only != every && k != only) continue;
      visit(k, std::array{inverse, Piece::gradient_of(self_, k)});
      visit(k, std::array{Piece::minus(), inverse, Piece::plain(mean_gradient, "mean of the row's d")});
      visit(k, std::array{Piece::minus(), inverse, Piece::of(self_, k),
                          Piece::plain(mean_product, "mean of the row's normal · d")});
    }
  }
}

Moving Sinusoid::evaluate(std::int64_t k, const Read&) const {
  const int position = static_cast<int>(k / width_), c = static_cast<int>(k % width_);
  const double angle = position / std::pow(10000.0, static_cast<double>(c - c % 2) / width_);
  return {c % 2 == 0 ? std::sin(angle) : std::cos(angle)};
}

std::string Sinusoid::expression(std::int64_t k) const {
  const std::int64_t c = k % width_;
  return fmt::format("{}({} / 10000^({}/{}))", c % 2 == 0 ? "sin" : "cos", k / width_, c - c % 2, width_);
}

LossOfWord::LossOfWord(int self, int logits, int probabilities, int classes, std::vector<int> targets)
    : self_(self), logits_(logits), probabilities_(probabilities), classes_(classes), targets_(std::move(targets)) {}

Moving LossOfWord::evaluate(std::int64_t k, const Read& read) const {
  const std::int64_t from = k * classes_;
  return log_sum(logits_, from, classes_, read) - read(Piece::of(logits_, from + targets_[k]));
}

void LossOfWord::terms(std::int64_t k, const Visit& visit) const {
  visit(std::array{Piece::of(probabilities_, k * classes_ + targets_[k])});
}

void LossOfWord::backward(int, std::int64_t only, const VisitAt& visit) const {
  const auto end = static_cast<std::int64_t>(targets_.size()) * classes_;
  for (std::int64_t at = only == every ? 0 : only; at < (only == every ? end : only + 1); ++at) {
    const std::int64_t row = at / classes_;
    visit(at, std::array{Piece::gradient_of(self_, row), Piece::of(probabilities_, at)});
    if (at % classes_ == targets_[row])  // minus 1 for the right word
      visit(at, std::array{Piece::minus(), Piece::gradient_of(self_, row)});
  }
}

}  // namespace qkv
