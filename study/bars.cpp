#include "qkv/study/bars.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <fmt/format.h>
#include <numeric>
#include <vector>

namespace qkv {

std::string bar(double share, int width, bool plain) {
  const double length = std::isfinite(share) ? std::clamp(share, 0.0, 1.0) * width : 0;
  if (plain) return std::string(static_cast<std::size_t>(std::lround(length)), '#');
  constexpr std::array<const char*, 8> parts{"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};
  const auto eighths = static_cast<std::size_t>(std::lround(8 * length));
  std::string text;
  for (std::size_t i = 0; i < eighths / 8; ++i) text += "█";
  return text + parts[eighths % 8];
}

std::string loss_curve(std::span<const double> losses, int rows, bool plain) {
  const std::size_t count = std::min(losses.size(), static_cast<std::size_t>(std::max(rows, 1)));
  constexpr int width = 40;
  struct Row {
    std::size_t begin, end;
    double mean;
  };
  std::vector<Row> means;
  double largest = 0;
  for (std::size_t row = 0; row < count; ++row) {
    const std::size_t begin = row * losses.size() / count, end = (row + 1) * losses.size() / count;
    const double sum = std::accumulate(losses.begin() + static_cast<std::ptrdiff_t>(begin),
                                       losses.begin() + static_cast<std::ptrdiff_t>(end), 0.0);
    means.push_back({begin, end, sum / static_cast<double>(end - begin)});
    if (std::isfinite(means.back().mean)) largest = std::max(largest, means.back().mean);
  }
  std::string text;
  for (const auto& [begin, end, mean] : means)
    text += fmt::format("  {:>15}  {:>8.4f}  {}\n",
                        end - begin == 1 ? std::to_string(end) : fmt::format("{}-{}", begin + 1, end), mean,
                        bar(largest > 0 ? mean / largest : 0, width, plain));
  return text;
}

}  // namespace qkv
