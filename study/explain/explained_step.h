#pragma once

#include <optional>
#include <string>
#include <vector>

#include "qkv/study/explain/checked_gradient.h"
#include "qkv/study/explain/row_formula.h"

namespace qkv {

/// One step of an attention, or of the way back through it: a matrix of numbers with labels.
struct ExplainedStep {
  std::string name;                  ///< its entries are at NAME[row,column]
  std::string title;                 ///< what it is, in a textbook's words
  std::string formula;               ///< of one entry
  std::vector<std::string> rows;     ///< words; or empty
  std::vector<std::string> columns;  ///< words; empty where columns are features
  int first_row = 0;            ///< which row of the whole the first is, where this is a head's part of a parameter,
  int first_column = 0;         ///< and which column
  NumberMatrix values;          ///< not a number: a mask hides the entry
  std::optional<Formula> cell;  ///< one entry spelt out,
  int row = 0, column = 0;      ///< in this row and column of `values`
  std::optional<CheckedGradient> checked;  ///< of gradients
  std::vector<RowFormula> row_formulas{};  ///< of every cell, if ExplainOptions::row_formulas asks for them
};

}  // namespace qkv
