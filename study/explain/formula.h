#pragma once

#include <array>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "qkv/autograd/named.h"

namespace qkv {

/// One number in a formula.
struct Factor {
  std::string address;  ///< where to go on, such as "weights[2,5]"; empty: a plain number
  std::string name;     ///< what a reader calls it: its address, or such as "scale"
  double value = 0;
};

/// A product of numbers, or whatever `Formula::operation` makes of them.
struct Term {
  double value = 0;
  std::vector<Factor> factors;
};

/// How the value of a formula comes from its terms.
enum class Combined {
  sum,      ///< it is the sum of the terms, each the product of its factors
  softmax,  ///< it is one of the terms: each has one factor x, and its value is exp(x) / Σ exp
  other,    ///< as the expression says; the terms are the numbers that it was computed from
};
constexpr std::array<Named<Combined>, 3> names_of(Combined) {
  return {{{Combined::sum, "sum"}, {Combined::softmax, "softmax"}, {Combined::other, "other"}}};
}

/// One number taken apart: its formula in letters, and the numbers put in.
struct Formula {
  std::string address{};     ///< the number's own, such as "d scores[2,5]"
  double value = 0;          ///< as the model computed it
  std::string expression{};  ///< such as "scale · weights[2,5] · (d weights[2,5] − sigma[2])"
  std::string note{};        ///< a sentence for people, or nothing
  Combined operation = Combined::sum;
  std::vector<Term> terms{};
  std::optional<double> exact{};  ///< of a gradient: the same derivative by dual numbers
  bool agrees = false;            ///< whether that is the same up to rounding
};

/// A term made of these factors: their product.
Term product(std::vector<Factor> factors);

/// The sum of the values of the terms.
double sum_of(const std::vector<Term>& terms);

/// Every term, in order; a number that is not finite becomes null.
nlohmann::ordered_json to_json(const Formula& formula);

/// The formula for a terminal of `width` columns: the expression, and the `shown` terms that are largest by magnitude,
/// in their own order, each on a line with the addresses to go on with; what is left out is counted and summed. Each
/// line ends in "\n". The words in it are those of the formula, so whoever prints them makes them visible.
std::string as_text(const Formula& formula, int width = 80, std::size_t shown = 12);

/// A good address to go on with: of the largest term that has one, the gradient if there is one among its factors.
/// Empty if nothing leads on.
std::string next_address(const Formula& formula);

}  // namespace qkv
