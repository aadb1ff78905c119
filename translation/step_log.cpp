#include "qkv/translation/step_log.h"

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

/// The step that a line is about; nothing where the line is none of such a file.
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

/// The lines up to and including those of `last_step`, and the step of the last of them.
std::string lines_until(const std::string& text, const std::string& path, std::int64_t last_step,
                        std::int64_t& kept_step) {
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
    kept_step = *step;
    begin += line.size() + 1;
  }
  return kept;
}

}  // namespace

StepLog::StepLog(const std::string& path, std::int64_t last_step) : path_(path) {
  if (std::filesystem::exists(path))
    write_durably(path, last_step == 0 ? "" : lines_until(read_file(path), path, last_step, last_step_));
  file_.reset(std::fopen(path.c_str(), "ab"));
  if (!file_) fail();
}

void StepLog::write(std::string_view line) {
  if (std::fwrite(line.data(), 1, line.size(), file_.get()) != line.size()) fail();
}

void StepLog::flush() {
  if (std::fflush(file_.get()) != 0 || std::ferror(file_.get()) != 0 || ::fsync(::fileno(file_.get())) != 0) fail();
}

void StepLog::fail() const {
  throw std::runtime_error(fmt::format("{}: cannot write: {}", path_, std::strerror(errno)));
}

}  // namespace qkv
