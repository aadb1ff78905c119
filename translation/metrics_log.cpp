#include "qkv/translation/metrics_log.h"

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <optional>
#include <stdexcept>
#include <unistd.h>

#include "qkv/files/durable_file.h"
#include "qkv/translation/parse_json.h"

namespace qkv {

namespace {

/// The step that a line is about; nothing where the line is none of metrics.jsonl.
std::optional<std::int64_t> step_of(const std::string& line) {
  try {
    const nlohmann::json json = parse_json(line);
    if (!json.is_object() || !json.contains("step") || !json["step"].is_number_integer()) return std::nullopt;
    const auto step = json["step"].get<std::int64_t>();
    return step < 0 ? std::nullopt : std::optional(step);
  } catch (const JsonError&) {
    return std::nullopt;
  }
}

/// The lines up to and including those of `last_step`.
std::string lines_until(const std::string& text, const std::string& path, std::int64_t last_step) {
  std::string kept;
  std::size_t begin = 0;
  for (int number = 1; begin < text.size(); ++number) {
    const std::size_t end = text.find('\n', begin);
    const bool is_ended = end != std::string::npos;
    const std::string line = text.substr(begin, is_ended ? end - begin : std::string::npos);
    const auto step = step_of(line);
    if (!step && !is_ended) break;  // half a line was being written when the program died
    if (!step) throw std::runtime_error(fmt::format("{}:{}: this is no JSON object with a \"step\"", path, number));
    if (*step > last_step) break;
    kept += line + "\n";
    begin += line.size() + 1;
  }
  return kept;
}

}  // namespace

MetricsLog::MetricsLog(const std::string& path, std::int64_t last_step) : path_(path) {
  if (std::filesystem::exists(path))
    write_durably(path, last_step == 0 ? "" : lines_until(read_file(path), path, last_step));
  file_.reset(std::fopen(path.c_str(), "ab"));
  if (!file_) throw std::runtime_error(fmt::format("{}: cannot write: {}", path, std::strerror(errno)));
}

void MetricsLog::step(const Step& s) {
  fmt::print(file_.get(),
             R"({{"step":{},"epoch":{},"loss":{},"lr":{},"gradient_norm":{},"tokens_per_second":{:.0f}}})"
             "\n",
             s.step, s.epoch, s.loss, s.lr, s.gradient_norm, s.tokens_per_second);
}

void MetricsLog::validation(const Validation& v) {
  fmt::print(file_.get(),
             R"({{"step":{},"valid_loss":{},"valid_bleu":{},"valid_exact":{}}})"
             "\n",
             v.step, v.loss, v.bleu, v.exact_match);
}

void MetricsLog::flush() {
  if (std::fflush(file_.get()) != 0 || std::ferror(file_.get()) != 0 || ::fsync(::fileno(file_.get())) != 0)
    throw std::runtime_error(fmt::format("{}: cannot write: {}", path_, std::strerror(errno)));
}

}  // namespace qkv
