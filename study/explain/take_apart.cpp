#include "qkv/study/explain/take_apart.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <limits>

#include "qkv/study/explain/address.h"
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
  return fmt::format("{}{}{}", expression.substr(0, gap), terms.front().factors.back().name,
                     expression.substr(gap + 2));
}

}  // namespace

TakeApart::TakeApart(const SentencePass& pass, const std::optional<ChosenHead>& chosen)
    : derivatives_(pass.nodes()), all_(pass.nodes()) {
  give_rules(all_, derivatives_,
             {{pass.pair().source_ids, pass.pair().read_ids}, pass.pair().predicted_ids, pass.attentions()});
  names_.emplace(pass, all_, chosen);
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
    return formula;
  }
  check(all_.has_gradient(place.quantity), "{} has no gradient: the loss is computed from nothing that reads it",
        formula.address.substr(2));
  formula.value = all_.gradient(place.quantity, place.element);
  describe_gradient(place, formula);
  if (exact != nullptr) compare(place, formula, *exact);
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

void TakeApart::describe_gradient(NamedValues::Place place, Formula& formula) const {
  for (const Product& product : all_.gradient_terms(place.quantity, place.element))
    formula.terms.push_back(term_of(product));
  formula.expression = expression_of_sum(formula.terms);
  if (all_[place.quantity].consumers.empty())
    formula.note = "the loss grows by 1 with itself: here the backward pass begins";
  else if (formula.terms.empty())
    formula.note = "nothing that was computed for this sentence reads it";
}

void TakeApart::compare(NamedValues::Place place, Formula& formula, ExactDerivatives& exact) const {
  ExactDerivatives::Direction direction;
  if (all_[place.quantity].node != nullptr)
    direction.push_back({place.quantity, place.element});
  else
    for (const Quantities::Moved& moved : all_.moved_with(place.quantity, place.element))
      direction.push_back({moved.node, moved.element, moved.by});
  const ExactDerivative derivative = exact.of_loss(direction);
  double scale = derivative.scale;
  for (const Term& term : formula.terms) scale = std::max(scale, std::abs(term.value));
  formula.exact = derivative.value;
  formula.agrees = std::abs(formula.value - derivative.value) <= 1e-12 * scale;
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
