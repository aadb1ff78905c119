// Sentence pairs that are read from a CSV file are written and read back as the same pairs.

#include "qkv/datasets/csv.h"

#include "tests/fuzz/fuzz.h"

using namespace qkv;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const std::string path = fuzz_folder() + "/input.csv", copy = fuzz_folder() + "/copy.csv";
  write_input(path, text_of(data, size));
  std::vector<Pair> pairs;
  if (!accepts(path, [&] { pairs = read_pairs(path); })) return 0;
  require(!pairs.empty(), "a file that is accepted has pairs");
  write_pairs(copy, pairs);
  const std::vector<Pair> again = read_pairs(copy);
  require(again.size() == pairs.size(), "no pair is lost");
  for (std::size_t i = 0; i < pairs.size(); ++i) {
    require(!pairs[i].source.empty() && !pairs[i].target.empty(), "sentences have words");
    require(pairs[i].source == again[i].source && pairs[i].target == again[i].target, "words are read back");
    require(pairs[i].links == again[i].links, "links are read back");
  }
  return 0;
}
