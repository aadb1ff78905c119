#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "qkv/datasets/pair.h"

namespace qkv {

/// Dates as people write them, in thirty Korean and English forms, and the same as ISO 8601: `2026년 11월 23일 월요일`,
/// `Nov. 23rd, 2026` and `11/23/2026` are 2026-11-23. They are from 1970 to 2069. To be read character by character.
///
/// Gold links join characters: a digit of a written number gives the digit of the target at its place; a number of one
/// digit gives both (3 is 03). Where several characters give one together, they are possible links, each letter of a
/// month's name with both digits of the month, and both digits of a short year with its century. Weekdays, `년`, `th`
/// and everything else is linked to nothing, and so are the hyphens of the target.
struct Dates {
  std::vector<Pair> train;  ///< as many as asked for
  std::vector<Pair> valid;  ///< 1,000
  std::vector<Pair> test;   ///< 1,000
};

/// Makes the data; `pairs` is the size of `train`. A day is of training, validation or test in whatever form it is
/// written, so that no source and no target of one is in another; which, depends on the day alone. Within each no
/// source is there twice. `valid` and `test` depend on the seed only, and a larger `pairs` goes on where a smaller one
/// stops. The same arguments give the same pairs on every machine. Throws std::invalid_argument if `pairs` is below 1,
/// or more than there are; then it says how many there are.
Dates dates(int pairs, std::uint64_t seed);

/// Writes train.csv, valid.csv and test.csv into `folder`; see write_data_folder.
void write_dates(const std::string& folder, const Dates& data, bool overwrite = false);

}  // namespace qkv
