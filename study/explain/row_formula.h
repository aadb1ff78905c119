#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "qkv/study/explain/take_apart.h"

namespace qkv {

/// How all the cells of one row of a matrix came to be: one formula, with the letter c for the column, and what stands
/// in it in each column. What single formulas say cell by cell, in a fraction of the room.
struct RowFormula {
  struct Letter {
    std::string address;         ///< such as "source_embedding.weight[17,c]"; empty: a plain number
    std::string name;            ///< what a reader calls it
    std::vector<double> values;  ///< in each column
  };

  Combined operation = Combined::sum;
  std::string note{};
  std::vector<std::string> expressions{};     ///< of each column; empty for a sum
  std::vector<std::vector<Letter>> products;  ///< the terms, each the product of these
};

/// The formulas of the rows of the matrix with this name. None where a row has no such formula: a term that stands in
/// some of its columns only, or an index that is neither the same in all columns nor the column's own.
std::vector<RowFormula> row_formulas(const TakeApart& take_apart, const std::string& name, int rows, int columns);

/// {"operation", "note", "expressions", "terms": a list of products, each of {"address", "name", "values"}}
nlohmann::ordered_json to_json(const RowFormula& formula);

}  // namespace qkv
