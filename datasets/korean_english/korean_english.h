#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "qkv/datasets/pair.h"

namespace qkv {

/// Korean-English sentence pairs with gold links, made from the grammar in this folder (see README.md). The length of a
/// sentence is its number of source words, the final mark counted.
struct KoreanEnglish {
  std::vector<Pair> train;           ///< as many as asked for, 2 to 16 words
  std::vector<Pair> valid;           ///< 1,000, 2 to 16 words
  std::vector<Pair> test;            ///< 1,000, 2 to 16 words
  std::vector<Pair> long_sentences;  ///< 500, 17 to 24 words
  std::vector<Pair> composition;     ///< 500, each with a verb and an object that never meet in `train`
};

/// Makes the data; `pairs` is the size of `train`. The other four depend on the seed only, and a larger `pairs` goes on
/// where a smaller one stops. The same arguments give the same pairs on every machine.
/// Throws std::invalid_argument if `pairs` is above 1,000,000, or so small that a word form of `valid`, `test` or
/// `composition` is found fewer than 10 times in `train`; then it says how many pairs are enough for this seed.
KoreanEnglish korean_english(int pairs, std::uint64_t seed);

/// Writes train.csv, valid.csv, test.csv, long.csv and composition.csv into `folder`; see write_data_folder.
void write_korean_english(const std::string& folder, const KoreanEnglish& data, bool overwrite = false);

}  // namespace qkv
