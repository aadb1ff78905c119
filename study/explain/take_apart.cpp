#include "qkv/study/explain/take_apart.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <iterator>
#include <limits>
#include <map>

#include "qkv/study/explain/expression.h"
#include "qkv/study/explain/quantity_rules.h"

namespace qkv {
namespace {

/// exp(x) / Σ exp of the only factor x of each term, in the place of the term's value.
void share_out(std::vector<Term>& terms) {
  double largest = -std::numeric_limits<double>::infinity(), sum = 0;
  for (const Term& term : terms) largest = std::max(largest, term.value);
  for (Term& term : terms) sum += term.value = std::exp(term.value - largest);
  for (Term& term : terms) term.value /= sum;
}

constexpr const char* hidden = "the mask hides this key from this query: it gets no weight";

std::string softmax_expression(const Formula& formula, const std::string& own) {
  return fmt::format("exp({}) / Σ over k of exp({})", own, pattern_of(formula.terms));
}

/// The expression with the factors of the terms in the place of `{}`.
std::string filled(const std::string& expression, const std::vector<Term>& terms) {
  const std::size_t gap = expression.find("{}");
  if (gap == std::string::npos || terms.empty()) return expression;
  const std::string factors = terms.size() > 1 ? pattern_of(terms) : terms.front().factors.back().name;
  return fmt::format("{}{}{}", expression.substr(0, gap), factors, expression.substr(gap + 2));
}

}  // namespace

TakeApart::TakeApart(const SentencePass& pass, const std::optional<ChosenHead>& chosen)
    : derivatives_(pass.nodes()), all_(pass.nodes()) {
  give_rules(all_, derivatives_,
             {{pass.pair().source_ids, pass.pair().read_ids}, pass.pair().predicted_ids, pass.attentions()});
  names_.emplace(pass, all_, chosen);
}

bool TakeApart::has_exact_derivative(std::string_view text) const {
  const Address address = names_->read(text);
  return address.gradient || !gradients_in(names_->find(address)).empty();
}

std::vector<Piece> TakeApart::gradients_in(NamedValues::Place place) const {
  std::vector<Piece> gradients;
  for (const Product& product : all_.terms(place.quantity, place.element))
    std::ranges::copy_if(product, std::back_inserter(gradients), &Piece::gradient);
  return gradients;
}

Formula TakeApart::formula(std::string_view text, ExactDerivatives* exact) const {
  const Address address = names_->read(text);
  const NamedValues::Place place = names_->find(address);
  Formula formula;
  formula.address = to_text(address);
  if (!address.gradient) {
    formula.value = all_.value(place.quantity, place.element);
    const std::string own = to_text(names_->address_of(place.quantity, place.element, false));
    if (address.name == "masked")  // the only name whose number another one is taken from, unless it is hidden
      describe_masked(address, own, formula);
    else
      describe_value(place, formula);
    if (exact != nullptr) compare_gradients_in(place, formula, *exact);
    return formula;
  }
  check(all_.has_gradient(place.quantity), "{} has no gradient: the loss is computed from nothing that reads it",
        formula.address.substr(2));
  const Readers& readers = names_->readers_of(address.name);
  describe_gradient(place, readers, formula);
  formula.value = readers.empty() ? all_.gradient(place.quantity, place.element) : sum_of(formula.terms);
  if (exact != nullptr) compare(place, readers, formula, *exact);
  return formula;
}

void TakeApart::describe_masked(const Address& address, const std::string& scaled, Formula& formula) const {
  const NamedValues::Place weight = names_->find({false, "weights", address.index});
  if (all_.terms(weight.quantity, weight.element).empty()) {
    formula.value = -std::numeric_limits<double>::infinity();
    formula.note = hidden;
  } else {
    formula.terms = {product({{scaled, scaled, formula.value}})};
    formula.expression = scaled;
  }
}

void TakeApart::describe_value(NamedValues::Place place, Formula& formula) const {
  const Quantity& quantity = all_[place.quantity];
  if (quantity.rule == nullptr) {
    formula.note = quantity.note.empty() ? "it is computed from constants alone" : quantity.note;
    return;
  }
  for (const Product& product : all_.terms(place.quantity, place.element)) formula.terms.push_back(term_of(product));
  formula.operation = quantity.rule->combined();
  formula.note = quantity.rule->note();
  formula.expression = filled(quantity.rule->expression(place.element), formula.terms);
  if (formula.operation == Combined::sum) formula.expression = expression_of_sum(formula.terms);
  if (formula.operation != Combined::softmax) return;
  if (formula.terms.empty()) formula.note = hidden;
  share_out(formula.terms);
  const auto row = static_cast<std::size_t>(place.element % quantity.sizes.back());
  if (row < formula.terms.size())
    formula.expression = softmax_expression(formula, formula.terms[row].factors.front().name);
}

void TakeApart::describe_gradient(NamedValues::Place place, const Readers& readers, Formula& formula) const {
  for (const Product& product : all_.gradient_terms(place.quantity, place.element, readers))
    formula.terms.push_back(term_of(product));
  formula.expression = expression_of_sum(formula.terms);
  if (!readers.empty())
    formula.note = "a part of its gradient: what else was computed from the number sends its own";
  else if (all_[place.quantity].consumers.empty())
    formula.note = "the loss grows by 1 with itself: here the backward pass begins";
  else if (formula.terms.empty())
    formula.note = "nothing that was computed for this sentence reads it";
}

ExactDerivatives::Direction TakeApart::direction_of(NamedValues::Place place, const Readers& readers) const {
  if (all_[place.quantity].node != nullptr && readers.empty()) return {{place.quantity, place.element}};
  ExactDerivatives::Direction direction;
  for (const Quantities::Moved& moved : all_.moved_with(place.quantity, place.element, readers))
    direction.push_back({moved.node, moved.element, moved.by});
  return direction;
}

void TakeApart::compare(NamedValues::Place place, const Readers& readers, Formula& formula,
                        ExactDerivatives& exact) const {
  const ExactDerivative derivative = exact.of_loss(direction_of(place, readers));
  double scale = derivative.scale;
  for (const Term& term : formula.terms) scale = std::max(scale, std::abs(term.value));
  formula.exact = derivative.value;
  formula.agrees = std::abs(formula.value - derivative.value) <= 1e-12 * scale;
}

void TakeApart::compare_gradients_in(NamedValues::Place place, Formula& formula, ExactDerivatives& exact) const {
  const std::vector<Piece> gradients = gradients_in(place);
  if (gradients.empty()) return;
  std::vector<ExactDerivatives::Direction> directions;
  for (const Piece& piece : gradients) directions.push_back(direction_of({piece.quantity, piece.element}, {}));
  const std::vector<ExactDerivative> derivatives = exact.of_loss(directions);
  std::map<std::pair<int, std::int64_t>, ExactDerivative> exactly;
  for (std::size_t i = 0; i < gradients.size(); ++i)
    exactly[{gradients[i].quantity, gradients[i].element}] = derivatives[i];
  // The rule once more with exact gradients; each is as wrong, by rounding, as its scale.
  const Rule& rule = *all_[place.quantity].rule;
  formula.exact =
      rule.evaluate(
              place.element,
              [&](const Piece& piece) {
                return Moving(piece.gradient ? exactly.at({piece.quantity, piece.element}).value : all_.number(piece));
              })
          .value;
  double scale = 0;
  for (const Product& product : all_.terms(place.quantity, place.element)) {
    double size = 1;
    for (const Piece& piece : product)
      size *= piece.gradient ? exactly.at({piece.quantity, piece.element}).scale : std::abs(all_.number(piece));
    scale += size;
  }
  formula.agrees = std::abs(formula.value - *formula.exact) <= 1e-12 * scale;
}

Term TakeApart::term_of(const Product& pieces) const {
  std::vector<Factor> factors;
  for (const Piece& piece : pieces) {
    const double number = all_.number(piece);
    if (piece.quantity < 0) {
      factors.push_back({"", piece.name, number});
      continue;
    }
    const std::string address = to_text(names_->address_of(piece.quantity, piece.element, piece.gradient));
    factors.push_back({address, address, number});
  }
  return product(std::move(factors));
}

}  // namespace qkv
