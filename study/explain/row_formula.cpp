#include "qkv/study/explain/row_formula.h"

#include <algorithm>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>
#include <optional>

namespace qkv {
namespace {

/// "table[17,c]" of table[17,0], table[17,1], …: the addresses in a row's columns as one.
std::optional<std::string> in_letters(const std::vector<std::string>& addresses) {
  if (std::ranges::all_of(addresses, [&](const std::string& one) { return one == addresses.front(); }))
    return addresses.front();
  const Address first = parse_address(addresses.front());
  std::vector<bool> is_column(first.index.size(), true);
  for (std::size_t c = 0; c < addresses.size(); ++c) {
    const Address address = parse_address(addresses[c]);
    if (address.name != first.name || address.gradient != first.gradient || address.index.size() != first.index.size())
      return std::nullopt;
    for (std::size_t i = 0; i < first.index.size(); ++i) {
      is_column[i] = is_column[i] && address.index[i] == static_cast<int>(c);
      if (!is_column[i] && address.index[i] != first.index[i]) return std::nullopt;
    }
  }
  std::vector<std::string> index;
  for (std::size_t i = 0; i < first.index.size(); ++i)
    index.push_back(is_column[i] ? "c" : std::to_string(first.index[i]));
  return fmt::format("{}{}[{}]", first.gradient ? "d " : "", first.name, fmt::join(index, ","));
}

/// One factor in each of the columns.
std::optional<RowFormula::Letter> letter_of(const std::vector<Formula>& cells, std::size_t term, std::size_t factor) {
  RowFormula::Letter letter;
  std::vector<std::string> addresses, names;
  for (const Formula& cell : cells) {
    const Factor& here = cell.terms[term].factors[factor];
    addresses.push_back(here.address);
    names.push_back(here.name);
    letter.values.push_back(here.value);
  }
  const bool is_plain = addresses.front().empty();
  if (std::ranges::any_of(addresses, [&](const std::string& one) { return one.empty() != is_plain; }) ||
      (is_plain && std::ranges::any_of(names, [&](const std::string& one) { return one != names.front(); })))
    return std::nullopt;
  letter.name = names.front();
  if (is_plain) return letter;
  const auto address = in_letters(addresses);
  if (!address) return std::nullopt;
  letter.address = letter.name = *address;
  return letter;
}

std::optional<RowFormula> formula_of(const std::vector<Formula>& cells) {
  const Formula& first = cells.front();
  const auto is_alike = [&](const Formula& cell) {
    return cell.operation == first.operation && cell.note == first.note &&
           std::ranges::equal(
               cell.terms, first.terms, {}, [](const Term& term) { return term.factors.size(); },
               [](const Term& term) { return term.factors.size(); });
  };
  if (!std::ranges::all_of(cells, is_alike)) return std::nullopt;
  RowFormula formula{first.operation, first.note, {}, {}};
  if (first.operation != Combined::sum)
    for (const Formula& cell : cells) formula.expressions.push_back(cell.expression);
  for (std::size_t term = 0; term < first.terms.size(); ++term) {
    std::vector<RowFormula::Letter>& product = formula.products.emplace_back();
    for (std::size_t factor = 0; factor < first.terms[term].factors.size(); ++factor) {
      auto letter = letter_of(cells, term, factor);
      if (!letter) return std::nullopt;
      product.push_back(std::move(*letter));
    }
  }
  return formula;
}

}  // namespace

std::vector<RowFormula> row_formulas(const TakeApart& take_apart, const std::string& name, int rows, int columns) {
  std::vector<RowFormula> formulas;
  for (int i = 0; i < rows; ++i) {
    std::vector<Formula> cells;
    for (int c = 0; c < columns; ++c) cells.push_back(take_apart.formula(address_in(name, i, c)));
    auto formula = formula_of(cells);
    if (!formula) return {};
    formulas.push_back(std::move(*formula));
  }
  return formulas;
}

nlohmann::ordered_json to_json(const RowFormula& formula) {
  nlohmann::ordered_json terms = nlohmann::ordered_json::array();
  for (const std::vector<RowFormula::Letter>& product : formula.products) {
    nlohmann::ordered_json& factors = terms.emplace_back(nlohmann::ordered_json::array());
    for (const auto& [address, name, values] : product) {
      factors.push_back({{"address", nullptr}, {"name", name}, {"values", values}});
      if (!address.empty()) factors.back()["address"] = address;
    }
  }
  return {{"operation", name_of(formula.operation)},
          {"note", formula.note},
          {"expressions", formula.expressions},
          {"terms", std::move(terms)}};
}

}  // namespace qkv
