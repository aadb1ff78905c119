#pragma once

#include "qkv/study/explain/quantities.h"

namespace qkv {

/// The kinds of equations that models are made of. Each says its terms forwards, and by the same terms what flows back.

/// y[k] = Σ of products: all that is linear in each of its factors, such as x W + b, or weights · values. So what flows
/// back to a factor is the gradient of y[k] times the other factors.
class SumOfProducts : public Rule {
 public:
  using Products = std::function<void(std::int64_t k, const Visit& visit)>;

  /// `self` is the quantity that gets this rule, of `size` elements; the products must read only the inputs.
  SumOfProducts(int self, std::int64_t size, std::vector<int> inputs, Products products, std::string note = "");

  std::vector<int> inputs() const override { return inputs_; }
  Moving evaluate(std::int64_t k, const Read& read) const override;
  void terms(std::int64_t k, const Visit& visit) const override { products_(k, visit); }
  std::string note() const override { return note_; }
  void backward(int input, std::int64_t only, const VisitAt& visit) const override;

 private:
  int self_;
  std::int64_t size_;
  std::vector<int> inputs_;
  Products products_;
  std::string note_;
};

/// y[k] = f(x[k]).
class Elementwise : public Rule {
 public:
  using Function = Moving (*)(const Moving&);

  /// `expression` with `{}` for x[k], and `slope` for f'(x[k]).
  Elementwise(const Quantities& all, int self, int input, Function f, const char* expression, const char* slope);

  std::vector<int> inputs() const override { return {input_}; }
  Moving evaluate(std::int64_t k, const Read& read) const override { return f_(read(Piece::of(input_, k))); }
  Combined combined() const override { return Combined::other; }
  void terms(std::int64_t k, const Visit& visit) const override;
  std::string expression(std::int64_t) const override { return expression_; }
  void backward(int input, std::int64_t only, const VisitAt& visit) const override;

 private:
  const Quantities& all_;
  int self_, input_;
  Function f_;
  const char *expression_, *slope_;
};

/// y[i, j] = exp(x[i, j]) / Σ over the keys that query i may look at; 0 for the others. What flows back is
/// y (dy − Σ y dy), where sigma[i], a quantity of its own, is the sum over row i.
class SoftmaxRule : public Rule {
 public:
  /// `allowed`: how many keys, the first ones, a row may look at.
  SoftmaxRule(const Quantities& all, int self, int input, int sigma, int keys, std::function<int(int row)> allowed);

  std::vector<int> inputs() const override { return {input_}; }
  Moving evaluate(std::int64_t k, const Read& read) const override;
  Combined combined() const override { return Combined::softmax; }
  void terms(std::int64_t k, const Visit& visit) const override;
  std::string note() const override;
  void backward(int input, std::int64_t only, const VisitAt& visit) const override;

 private:
  const Quantities& all_;
  int self_, input_, sigma_, keys_;
  std::function<int(int)> allowed_;
};

/// sigma[i] = Σ over j of y[i, j] · dy[i, j]: what softmax's backward takes from each gradient of a row. It is a sum of
/// gradients, so nothing flows back through it.
class SigmaRule : public SumOfProducts {
 public:
  SigmaRule(int self, int softmax, int rows, int keys);
  std::vector<int> inputs() const override { return {}; }
};

/// y[i] = √ Σ over c of (∂loss/∂x[i, c])²: how much of ∂loss reaches row i of x. It is made of gradients, so nothing
/// flows back through it.
class NormOfGradient : public Rule {
 public:
  NormOfGradient(int input, int width) : input_(input), width_(width) {}

  std::vector<int> inputs() const override { return {}; }
  Moving evaluate(std::int64_t k, const Read& read) const override;
  Combined combined() const override { return Combined::other; }
  void terms(std::int64_t k, const Visit& visit) const override;
  std::string expression(std::int64_t) const override { return "√ Σ over k of ({})²"; }
  std::string note() const override { return "the length of the gradient of a word's vector"; }
  void backward(int, std::int64_t, const VisitAt&) const override {}

 private:
  int input_, width_;
};

/// y[c] = (x[c] − mean) / √(variance + eps) over each row (Ba, Kiros & Hinton 2016, eq. 3).
class Normalise : public Rule {
 public:
  Normalise(const Quantities& all, int self, int input, int width, double eps);

  std::vector<int> inputs() const override { return {input_}; }
  Moving evaluate(std::int64_t k, const Read& read) const override;
  void terms(std::int64_t k, const Visit& visit) const override;
  std::string note() const override;
  void backward(int input, std::int64_t only, const VisitAt& visit) const override;

 private:
  struct Row {
    Moving mean, inverse_deviation;
  };
  Row row_of(std::int64_t row, const Read& read) const;

  const Quantities& all_;
  int self_, input_, width_;
  double eps_;
};

/// y[i, c] = sin(i / 10000^(c/width)) where c is even, and the cosine of the same angle as c − 1 where it is odd
/// (Vaswani et al. 2017, section 3.5): what is computed from its place alone.
class Sinusoid : public Rule {
 public:
  explicit Sinusoid(int width) : width_(width) {}

  std::vector<int> inputs() const override { return {}; }
  Moving evaluate(std::int64_t k, const Read& read) const override;
  Combined combined() const override { return Combined::other; }
  void terms(std::int64_t, const Visit&) const override {}
  std::string expression(std::int64_t k) const override;
  std::string note() const override { return "a constant, computed from its place alone"; }
  void backward(int, std::int64_t, const VisitAt&) const override {}

 private:
  int width_;
};

/// y[i] = −log softmax(z[i])[target of i]: the loss of one word (see autograd/ops/cross_entropy.h).
class LossOfWord : public Rule {
 public:
  /// `probabilities`: softmax(z), a quantity of its own.
  LossOfWord(int self, int logits, int probabilities, int classes, std::vector<int> targets);

  std::vector<int> inputs() const override { return {logits_}; }
  Moving evaluate(std::int64_t k, const Read& read) const override;
  Combined combined() const override { return Combined::other; }
  void terms(std::int64_t k, const Visit& visit) const override;
  std::string expression(std::int64_t) const override { return "−log({})"; }
  std::string note() const override { return "the logarithm of the probability that the model gave the right word"; }
  void backward(int input, std::int64_t only, const VisitAt& visit) const override;

 private:
  int self_, logits_, probabilities_, classes_;
  std::vector<int> targets_;
};

}  // namespace qkv
