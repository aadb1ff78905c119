#include "qkv/study/explain/formula.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <numeric>

#include "qkv/datasets/text.h"
#include "qkv/study/terminal_text.h"

namespace qkv {
namespace {

std::string number(double value) { return fmt::format("{:.6g}", value); }

/// The numbers of the terms that are shown, in order: those largest by magnitude.
std::vector<std::size_t> largest(const std::vector<Term>& terms, std::size_t shown) {
  std::vector<std::size_t> order(terms.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return std::abs(terms[a].value) > std::abs(terms[b].value); });
  order.resize(std::min(order.size(), shown));
  std::sort(order.begin(), order.end());
  return order;
}

/// "a · b · c" of something of each factor.
template <class Part>
std::string joined(const std::vector<Factor>& factors, Part part) {
  std::string text;
  for (const Factor& factor : factors) text += (text.empty() ? "" : " · ") + part(factor);
  return text;
}

/// What stands between the value of a term and the names of its factors.
std::string numbers_of(const Term& term, Combined operation) {
  const std::string numbers = joined(term.factors, [](const Factor& factor) { return number(factor.value); });
  switch (operation) {
    case Combined::sum:
      return term.factors.size() > 1 ? fmt::format("= {}", numbers) : "";
    case Combined::softmax:
      return fmt::format("∝ exp({})", numbers);
    case Combined::other:
      break;
  }
  return term.factors.size() > 1 ? numbers : "";
}

std::string names_of(const Term& term) {
  return joined(term.factors, [](const Factor& factor) { return factor.name; });
}

/// The terms as an aligned list: value, numbers of the factors, names of the factors. Where that is too wide for the
/// terminal, the names stand below, one on a line.
std::string list_of_terms(const Formula& formula, const std::vector<std::size_t>& shown, int width) {
  int values = 0, numbers = 0;
  for (const std::size_t i : shown) {
    values = std::max(values, columns(number(formula.terms[i].value)));
    numbers = std::max(numbers, columns(numbers_of(formula.terms[i], formula.operation)));
  }
  const std::string below = fmt::format("\n{:{}}", "", values + 5);
  std::string text;
  for (const std::size_t i : shown) {
    const Term& term = formula.terms[i];
    const std::string value = right_aligned(number(term.value), values);
    const std::string factors = numbers_of(term, formula.operation);
    const std::string line = numbers == 0
                                 ? fmt::format("  {}  {}", value, names_of(term))
                                 : fmt::format("  {} {}  {}", value, left_aligned(factors, numbers), names_of(term));
    if (columns(line) <= width) {
      text += line + "\n";
      continue;
    }
    text += fmt::format("  {}{}{}", value, factors.empty() ? "" : " ", factors);
    for (std::size_t k = 0; k < term.factors.size(); ++k)
      text += fmt::format("{}{}{}", below, k == 0 ? "" : "· ", term.factors[k].name);
    text += "\n";
  }
  return text;
}

/// The words of a text on lines of at most this width where they fit, the first of them after `first` and the others
/// after as many spaces.
std::string wrapped(const std::string& first, const std::string& words, int width) {
  std::string text, line = first;
  std::size_t begin = 0;
  while (begin < words.size()) {
    const std::size_t end = std::min(words.find(' ', begin), words.size());
    const std::string word = words.substr(begin, end - begin);
    if (line.size() > first.size() && columns(line) + 1 + columns(word) > width) {
      text += line + "\n";
      line = std::string(first.size(), ' ');
    }
    line += (line.size() > first.size() ? " " : "") + word;
    begin = end + 1;
  }
  return text + line + "\n";
}

}  // namespace

Term product(std::vector<Factor> factors) {
  double value = 1;
  for (const Factor& factor : factors) value *= factor.value;
  return {value, std::move(factors)};
}

double sum_of(const std::vector<Term>& terms) {
  return std::accumulate(terms.begin(), terms.end(), 0.0,
                         [](double sum, const Term& term) { return sum + term.value; });
}

nlohmann::ordered_json to_json(const Formula& formula) {
  nlohmann::ordered_json terms = nlohmann::ordered_json::array();
  for (const Term& term : formula.terms) {
    nlohmann::ordered_json factors = nlohmann::ordered_json::array();
    for (const Factor& factor : term.factors)
      factors.push_back({{"address", nullptr}, {"name", factor.name}, {"value", factor.value}});
    for (std::size_t i = 0; i < term.factors.size(); ++i)
      if (!term.factors[i].address.empty()) factors[i]["address"] = term.factors[i].address;
    terms.push_back({{"value", term.value}, {"factors", std::move(factors)}});
  }
  nlohmann::ordered_json json = {{"address", formula.address},       {"value", formula.value},
                                 {"expression", formula.expression}, {"note", formula.note},
                                 {"terms", std::move(terms)},        {"operation", name_of(formula.operation)}};
  if (formula.exact) {
    json["exact"] = *formula.exact;
    json["agrees"] = formula.agrees;
  }
  return json;
}

std::string as_text(const Formula& formula, int width, std::size_t shown) {
  std::string text = fmt::format("{} = {}\n", formula.address, number(formula.value));
  if (!formula.expression.empty()) text += wrapped("  = ", formula.expression, width);
  const std::vector<std::size_t> chosen = largest(formula.terms, shown);
  text += list_of_terms(formula, chosen, width);
  if (chosen.size() < formula.terms.size()) {
    double sum = 0;
    std::size_t next = 0;
    for (std::size_t i = 0; i < formula.terms.size(); ++i)
      if (next < chosen.size() && chosen[next] == i) {
        ++next;
      } else {
        sum += formula.terms[i].value;
      }
    const std::size_t left_out = formula.terms.size() - chosen.size();
    text += formula.operation == Combined::other
                ? fmt::format("  and {} more\n", left_out)
                : fmt::format("  and {} smaller ones, {} together\n", left_out, number(sum));
  }
  if (!formula.note.empty()) text += wrapped("  ", formula.note, width);
  if (formula.exact)
    text += fmt::format("  {} by dual numbers: {}\n", number(*formula.exact),
                        formula.agrees ? "they agree" : "THEY DIFFER");
  return text;
}

std::string next_address(const Formula& formula) {
  const Term* best = nullptr;
  const auto leads_on = [](const Factor& factor) { return !factor.address.empty(); };
  for (const Term& term : formula.terms)
    if (std::any_of(term.factors.begin(), term.factors.end(), leads_on) &&
        (best == nullptr || std::abs(term.value) > std::abs(best->value)))
      best = &term;
  if (best == nullptr) return "";
  const auto is_gradient = [](const Factor& factor) { return factor.address.starts_with("d "); };
  const auto gradient = std::find_if(best->factors.begin(), best->factors.end(), is_gradient);
  return gradient != best->factors.end() ? gradient->address
                                         : std::find_if(best->factors.begin(), best->factors.end(), leads_on)->address;
}

}  // namespace qkv
