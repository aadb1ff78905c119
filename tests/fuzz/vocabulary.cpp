// A vocabulary that is accepted is written as the bytes it was read from, but for the end of its last line.

#include "qkv/datasets/vocabulary.h"

#include "qkv/files/durable_file.h"
#include "tests/fuzz/fuzz.h"

using namespace qkv;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const std::string path = fuzz_folder() + "/input.vocab", copy = fuzz_folder() + "/copy.vocab";
  const std::string_view input = text_of(data, size);
  write_input(path, input);
  accepts(path, [&] {
    const Vocabulary vocabulary = Vocabulary::load(path);
    vocabulary.save(copy);
    const std::string written = read_file(copy);
    require(written == input || written == std::string(input) + "\n", "the file is written as it was read");
    for (std::int32_t id = special_tokens; id < vocabulary.size(); ++id)
      require(vocabulary.id(vocabulary.word(id)) == id, "a word is found by its id");
    vocabulary.nearest("학교");
  });
  return 0;
}
