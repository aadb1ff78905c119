#pragma once

#include <cmath>
#include <gtest/gtest.h>
#include <stdexcept>
#include <string>
#include <vector>

#include "qkv/study/explain/explanation.h"

namespace qkv {

inline const ExplainedStep& step_named(const std::vector<ExplainedStep>& steps, const std::string& name) {
  for (const ExplainedStep& step : steps)
    if (step.name == name) return step;
  throw std::out_of_range("no step " + name);
}

/// The address of another entry than the one that is spelt out: with as many indices, as far away.
inline std::string address_of(const ExplainedStep& step, int row, int column) {
  Address address = parse_address(step.cell->address);
  std::vector<int>& index = address.index;
  if (index.size() == 1) {
    index.front() += step.values.columns == 1 ? row - step.row : column - step.column;
  } else {
    index.back() += column - step.column;
    index[index.size() - 2] += row - step.row;
  }
  return to_text(address);
}

inline void expect_entries_have_addresses(Explainer& explainer, ExplainOptions options, const ExplainedStep& step) {
  ASSERT_TRUE(step.cell.has_value()) << step.name;
  EXPECT_TRUE(step.cell->address.starts_with(step.name + "[")) << step.cell->address;
  for (const int row : {0, step.values.rows - 1}) {
    const int column = step.values.columns - 1;
    const double value = step.values(row, column);
    if (std::isnan(value)) continue;  // the mask hides it
    options.of = address_of(step, row, column);
    const Formula found = *explainer.explain(options).of;
    const double size = step.checked ? step.checked->scale(row, column) : std::abs(value);
    EXPECT_NEAR(found.value, value, 1e-12 * size) << *options.of;
    EXPECT_EQ(found.exact.has_value(), step.checked.has_value()) << *options.of;
    EXPECT_TRUE(found.agrees || !step.checked) << *options.of;
  }
}

}  // namespace qkv
