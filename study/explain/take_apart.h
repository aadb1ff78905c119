#pragma once

#include <optional>
#include <string_view>

#include "qkv/study/exact_derivatives.h"
#include "qkv/study/explain/formula.h"
#include "qkv/study/explain/named_values.h"
#include "qkv/study/explain/operation_derivatives.h"
#include "qkv/study/explain/quantities.h"

namespace qkv {

/// Takes single numbers of a pass apart: a value into the terms it was computed from, a gradient into what flows back
/// from everything that reads the value. Each term holds the addresses to go on with, down to parameters and constants,
/// or up to the loss.
class TakeApart {
 public:
  /// The pass must outlive it. `chosen`: whose steps have short names; none for a model without attention.
  TakeApart(const SentencePass& pass, const std::optional<ChosenHead>& chosen);
  TakeApart(const TakeApart&) = delete;  // rules point here
  TakeApart& operator=(const TakeApart&) = delete;

  /// The formula of the number at an address (see NamedValues). With `exact`, of the same pass, a gradient, or what is
  /// computed from gradients, is compared with the same by dual numbers.
  /// Throws std::invalid_argument that names the nearest address if it is none, or leads nowhere.
  Formula formula(std::string_view address, ExactDerivatives* exact = nullptr) const;

  /// Whether dual numbers can say what is at an address: of a gradient, and of what is computed from gradients.
  bool has_exact_derivative(std::string_view address) const;

  /// The numbers of the pass by their names, and as quantities.
  const NamedValues& names() const { return *names_; }
  const Quantities& quantities() const { return all_; }

 private:
  void describe_value(NamedValues::Place place, Formula& formula) const;
  void describe_masked(const Address& address, const std::string& scaled, Formula& formula) const;
  void describe_gradient(NamedValues::Place place, const Readers& readers, Formula& formula) const;
  std::vector<Piece> gradients_in(NamedValues::Place place) const;
  ExactDerivatives::Direction direction_of(NamedValues::Place place, const Readers& readers) const;
  void compare(NamedValues::Place place, const Readers& readers, Formula& formula, ExactDerivatives& exact) const;
  void compare_gradients_in(NamedValues::Place place, Formula& formula, ExactDerivatives& exact) const;
  Term term_of(const Product& product) const;

  OperationDerivatives derivatives_;
  Quantities all_;
  std::optional<NamedValues> names_;  // of all quantities, so after their rules
};

}  // namespace qkv
