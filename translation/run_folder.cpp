#include "qkv/translation/run_folder.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <system_error>

#include "qkv/autograd/check.h"
#include "qkv/files/durable_file.h"
#include "qkv/translation/parse_json.h"

namespace qkv {
namespace {

namespace fs = std::filesystem;

/// Whether this file is the config.json of a run, of whatever version of qkv.
bool is_run_config(const std::string& path) {
  if (!fs::is_regular_file(path)) return false;
  try {
    const nlohmann::json json = parse_json(read_file(path));
    return json.is_object() && json.contains("qkv") && json.contains("model");
  } catch (const JsonError&) {
    return false;
  }
}

}  // namespace

RunFolder::State RunFolder::state() const {
  check(!path.empty(), "the run folder has no name");
  std::error_code error;
  const fs::file_status status = fs::status(path, error);
  if (!fs::exists(status)) return State::empty;
  if (!fs::is_directory(status)) return State::foreign;
  if (is_run_config(config())) return fs::exists(checkpoint()) ? State::resumable : State::begun;
  const auto is_left_by_a_start = [&](const fs::path& entry) {
    const std::string name = entry.filename().string();
    if (entry == lock_file() || is_temporary_of(name, "config.json")) return true;
    return entry == path / "last" && fs::is_directory(fs::symlink_status(entry));
  };
  for (const auto& entry : fs::recursive_directory_iterator(path, error))
    if (!is_left_by_a_start(entry.path())) return State::foreign;
  return error ? State::foreign : State::empty;
}

void RunFolder::check_resumable() const {
  const State found = state();
  if (found == State::resumable || fs::exists(checkpoint())) return;
  RunLock::check_free(lock_file(), path.string());  // somebody who trains there may only just have begun
  const std::string missing = fmt::format("{} cannot be resumed: there is no {}", path.string(), checkpoint());
  if (found == State::begun)
    throw std::runtime_error(missing +
                             ", because its training ended before the first one; `overwrite` in place of "
                             "`resume` starts it anew");
  if (found == State::empty) throw std::runtime_error(missing + "; without `resume`, training begins anew");
  throw std::runtime_error(missing + ", and no config.json that qkv wrote; choose another `out`");
}

void RunFolder::check_free(bool overwrite) const {
  const State found = state();
  if (found == State::empty || (overwrite && found != State::foreign)) return;
  RunLock::check_free(lock_file(), path.string());  // somebody trains there, which then is the reason
  const std::string name = path.string();
  if (found == State::resumable)
    throw std::runtime_error(fmt::format(
        "{} exists already; use `resume` to go on with it, `overwrite` to start it anew, or another `out`", name));
  if (found == State::begun)
    throw std::runtime_error(fmt::format(
        "{} exists already, but its training ended before the first checkpoint; use `overwrite` to start it "
        "anew, or another `out`",
        name));
  throw std::runtime_error(fmt::format(
      "{} is not {}, because it exists and there is no config.json in it that qkv wrote; choose another `out`", name,
      overwrite ? "overwritten" : "used"));
}

RunLock RunFolder::create(bool overwrite) const {
  check_free(overwrite);
  std::error_code error;
  fs::create_directories(path / "last", error);
  if (error) throw std::runtime_error(fmt::format("{}: cannot make this folder: {}", path.string(), error.message()));
  RunLock lock = this->lock();
  check_free(overwrite);  // somebody may have been faster
  // The checkpoint first: without it nobody goes on with a run of which a part is gone.
  for (const std::string& file : {checkpoint(), test(), metrics(), snapshots(), model(), source_vocabulary(),
                                  target_vocabulary(), source_bpe(), target_bpe()})
    remove_file(file);
  remove_temporaries();
  return lock;
}

void RunFolder::remove_temporaries() const {
  for (const fs::path file : {checkpoint(), test(), metrics(), snapshots(), model(), source_vocabulary(),
                              target_vocabulary(), source_bpe(), target_bpe(), config()})
    for (const auto& entry : fs::directory_iterator(file.parent_path()))
      if (is_temporary_of(entry.path().filename().string(), file.filename().string()))
        remove_file(entry.path().string());
}

}  // namespace qkv
