#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "qkv/study/compare/comparison.h"

namespace qkv {

/// compare.json: everything that was measured. docs/14-compare.md names its keys.
nlohmann::ordered_json comparison_json(const Comparison& comparison);

/// compare.csv: a line for each run, set, length and measure, with the columns
/// model,seed,width,set,length,measure,n,value,low,high; n is the number of sentences. The alignment error rate has no
/// interval; its length is "all".
std::string comparison_csv(const Comparison& comparison);

/// Reads OUT/compare.json, or that file by its own name. Throws std::runtime_error that says what to do if there is
/// none, if it is no JSON, no comparison, of another schema than this version writes, or lacks a part.
nlohmann::json read_comparison(const std::string& path);

}  // namespace qkv
