// How long the ranks take to add up one gradient: mpirun -n 2 ranks_benchmark NUMBERS…
#include <algorithm>
#include <charconv>
#include <chrono>
#include <fmt/format.h>
#include <string_view>
#include <vector>

#include "qkv/train/mpi/mpi_ranks.h"

int main(int argc, char** argv) {
  qkv::MpiRanks ranks;
  for (int i = 1; i < argc; ++i) {
    const std::string_view digits = argv[i];
    std::size_t count = 0;
    std::from_chars(digits.data(), digits.data() + digits.size(), count);
    std::vector<float> gradient(count, 1);
    std::vector<double> milliseconds;
    for (int round = 0; round < 51; ++round) {
      ranks.any(false);  // all begin together
      const auto start = std::chrono::steady_clock::now();
      ranks.sum(gradient);
      milliseconds.push_back(
          std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count());
    }
    std::sort(milliseconds.begin(), milliseconds.end());
    if (ranks.is_first())
      fmt::print("{} ranks, {} numbers: median {:.3f} ms\n", ranks.size(), count,
                 milliseconds[milliseconds.size() / 2]);
  }
}
