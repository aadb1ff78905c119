#include "qkv/study/explain/quantities.h"

#include <algorithm>
#include <fmt/format.h>
#include <map>

namespace qkv {
namespace {

/// The sizes that people count by: a value of one sentence needs no index for the sentence.
std::vector<int> sizes_of(const Node<double>& node) {
  std::vector<int> sizes;
  for (int i = 0; i < node.shape.rank(); ++i) sizes.push_back(node.shape.dim(i));
  if (!node.is_leaf && sizes.size() > 1 && sizes.front() == 1) sizes.erase(sizes.begin());
  return sizes;
}

std::string name_of(const Node<double>& node) {
  const bool is_parameter = node.is_leaf && node.needs_gradient;  // it has its full name
  return is_parameter || node.module == nullptr ? node.name : fmt::format("{}.{}", node.module, node.name);
}

bool is_one_of(const Readers& readers, int consumer) {
  return readers.empty() || std::ranges::find(readers, consumer) != readers.end();
}

}  // namespace

Quantities::Quantities(std::span<Node<double>* const> nodes) {
  std::map<std::string, int> uses;
  for (const Node<double>* node : nodes) {
    Quantity& quantity = quantities_.emplace_back();
    quantity.name = name_of(*node);
    if (const int use = uses[quantity.name]++; use > 0) quantity.name += fmt::format("#{}", use);
    quantity.sizes = sizes_of(*node);
    quantity.node = node;
    if (node->is_leaf) quantity.note = node->needs_gradient ? "a parameter, which training set" : "a constant";
    numbers_.emplace_back();
  }
}

int Quantities::add_part(int node, const std::string& part, std::vector<int> sizes, std::unique_ptr<Rule> rule) {
  const int index = count();
  Quantity& quantity = quantities_.emplace_back();
  quantity.name = fmt::format("{}.{}", (*this)[node].name, part);
  quantity.sizes = std::move(sizes);
  numbers_.emplace_back();
  set_rule(index, std::move(rule));
  return index;
}

void Quantities::set_rule(int quantity, std::unique_ptr<Rule> rule) {
  for (const int input : rule->inputs()) quantities_[input].consumers.push_back(quantity);
  quantities_[quantity].rule = std::move(rule);
}

bool Quantities::has_gradient(int quantity) const {
  const Quantity& wanted = (*this)[quantity];
  if (wanted.node != nullptr && (wanted.node->needs_gradient || wanted.consumers.empty()))
    return wanted.node->gradient != nullptr;
  return std::any_of(wanted.consumers.begin(), wanted.consumers.end(),
                     [&](int reader) { return has_gradient(reader); });
}

double Quantities::value(int quantity, std::int64_t element) const {
  const Quantity& wanted = (*this)[quantity];
  if (wanted.node != nullptr) return wanted.node->value[element];
  Numbers& numbers = numbers_[quantity];
  const auto at = static_cast<std::size_t>(element);
  if (numbers.values.empty()) {
    numbers.values.resize(static_cast<std::size_t>(wanted.size()));
    numbers.known.resize(numbers.values.size());
  }
  if (!numbers.known[at]) {
    numbers.values[at] =
        wanted.rule->evaluate(element, [&](const Piece& piece) { return Moving(number(piece)); }).value;
    numbers.known[at] = true;
  }
  return numbers.values[at];
}

double Quantities::gradient(int quantity, std::int64_t element) const {
  const Quantity& wanted = (*this)[quantity];
  if (wanted.node != nullptr && wanted.node->needs_gradient)
    return wanted.node->gradient == nullptr ? 0 : wanted.node->gradient[element];
  Numbers& numbers = numbers_[quantity];
  if (numbers.gradients.empty()) {
    std::vector<double> sums(static_cast<std::size_t>(wanted.size()));
    for (const int consumer : wanted.consumers)
      if (has_gradient(consumer))
        (*this)[consumer].rule->backward(quantity, Rule::every, [&](std::int64_t at, std::span<const Piece> product) {
          sums[at] += number(product);
        });
    numbers.gradients = std::move(sums);
  }
  return numbers.gradients[element];
}

double Quantities::number(const Piece& piece) const {
  if (piece.quantity < 0) return piece.number;
  return piece.gradient ? gradient(piece.quantity, piece.element) : value(piece.quantity, piece.element);
}

double Quantities::number(std::span<const Piece> product) const {
  double result = 1;
  for (const Piece& piece : product) result *= number(piece);
  return result;
}

std::vector<Product> Quantities::terms(int quantity, std::int64_t element) const {
  std::vector<Product> found;
  if (const Quantity& wanted = (*this)[quantity]; wanted.rule != nullptr)
    wanted.rule->terms(element, [&](std::span<const Piece> term) { found.emplace_back(term.begin(), term.end()); });
  return found;
}

std::vector<Product> Quantities::gradient_terms(int quantity, std::int64_t element, const Readers& readers) const {
  std::vector<Product> found;
  for (const int consumer : (*this)[quantity].consumers)
    if (is_one_of(readers, consumer) && has_gradient(consumer))
      (*this)[consumer].rule->backward(quantity, element, [&](std::int64_t, std::span<const Piece> term) {
        found.emplace_back(term.begin(), term.end());
      });
  return found;
}

std::vector<Quantities::Moved> Quantities::moved_with(int quantity, std::int64_t element,
                                                      const Readers& readers) const {
  std::map<int, std::map<std::int64_t, double>> speeds{{quantity, {{element, 1.0}}}};
  bool is_reader = false;  // others see the element at rest, also where an operation reads it in two ways
  const Rule::Read read = [&](const Piece& piece) {
    Moving moving(number(piece));
    if (const auto found = speeds.find(piece.quantity);
        piece.quantity >= 0 && found != speeds.end() && (piece.quantity != quantity || is_reader))
      if (const auto speed = found->second.find(piece.element); speed != found->second.end())
        moving.d[0] = speed->second;
    return moving;
  };
  const auto speed_of = [&](int moving) {
    is_reader = is_one_of(readers, moving);
    std::map<std::int64_t, double> speed;
    const Quantity& what = (*this)[moving];
    for (std::int64_t k = 0; k < what.size(); ++k)
      if (const double d = what.rule->evaluate(k, read).d[0]; d != 0) speed[k] = d;
    return speed;
  };
  std::vector<int> nodes;
  std::vector<bool> reached(quantities_.size());
  reached[quantity] = true;
  for (int part = quantity; part < count(); ++part) {  // parts were added in the order of their computation
    if (!reached[part] || (part != quantity && (*this)[part].node != nullptr)) continue;
    if (part != quantity) speeds[part] = speed_of(part);
    for (const int consumer : (*this)[part].consumers) {
      if (part == quantity && !is_one_of(readers, consumer)) continue;
      if (!reached[consumer] && (*this)[consumer].node != nullptr) nodes.push_back(consumer);
      reached[consumer] = true;
    }
  }
  std::vector<Moved> result;
  for (const int node : nodes)  // what one of them does to another follows by itself
    for (const auto& [k, by] : speed_of(node)) result.push_back({node, k, by});
  return result;
}

}  // namespace qkv
