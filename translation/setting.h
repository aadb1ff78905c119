#pragma once

#include "qkv/translation/range.h"

namespace qkv {

/// What there is to know of a setting besides its name and value.
///
/// A struct of settings has visit(config, visit), which calls visit(name, value, setting) for each of them: the one
/// list that options, files, checks and their documentation come from. Names are spelt as in files, `d_model`;
/// `setting` is a NumberSetting where the value is a number and a Setting elsewhere.
struct Setting {
  const char* help;
};

/// Of a number, its range too.
template <class Number>
struct NumberSetting : Setting {
  Range<Number> range;
};

template <class Number>
constexpr NumberSetting<Number> number(const char* help, Range<Number> range) {
  return {{help}, range};
}

/// What several settings may be.
inline constexpr Range<int> size_range{1, 1'000'000};
inline constexpr Range<double> share_range{0.0, 1.0, false, true};

}  // namespace qkv
