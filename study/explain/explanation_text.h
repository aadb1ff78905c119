#pragma once

#include <string>

#include "qkv/study/explain/explanation.h"

namespace qkv {

/// What `qkv explain` prints: the steps one below the other, each a labelled matrix, of wide ones the first features,
/// and under it one cell as the sum that made it; then the same backwards, the row that is spelt out beside its exact
/// derivatives. Lines have `width` columns at most, as far as words allow, and end in "\n". The words in it are those
/// of the sentences, so whoever prints them makes them visible.
std::string as_text(const Explanation& explanation, int width = 80);

/// A formula on one line: "scores[2,5] = 0.12 · 0.4 + … = 1.93".
std::string in_one_line(const Formula& formula, int width = 80);

}  // namespace qkv
