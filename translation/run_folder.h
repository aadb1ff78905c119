#pragma once

#include <filesystem>
#include <string>

#include "qkv/translation/run_lock.h"

namespace qkv {

/// The files of a run, as docs and scripts know them.
struct RunFolder {
  std::filesystem::path path;

  std::string config() const { return (path / "config.json").string(); }
  std::string source_vocabulary() const { return (path / "source.vocab").string(); }
  std::string target_vocabulary() const { return (path / "target.vocab").string(); }
  std::string source_bpe() const { return (path / "source.bpe").string(); }  ///< only of a run with `tokenizer` bpe
  std::string target_bpe() const { return (path / "target.bpe").string(); }
  std::string model() const { return (path / "model.safetensors").string(); }
  std::string checkpoint() const { return (path / "last" / "checkpoint.safetensors").string(); }
  std::string metrics() const { return (path / "metrics.jsonl").string(); }
  std::string snapshots() const { return (path / "snapshots.jsonl").string(); }
  std::string test() const { return (path / "test.json").string(); }
  std::string lock_file() const { return (path / "last" / "lock").string(); }

  /// What can be done with the folder.
  enum class State {
    empty,      ///< there is nothing, or only what a start that was killed before its first file left
    begun,      ///< a run without a checkpoint: it can be started anew, but not gone on with
    resumable,  ///< a run with a checkpoint
    foreign,    ///< not a folder, or one that holds something and no config.json that qkv wrote
  };
  State state() const;

  /// Throws std::runtime_error that says what to do instead if there is no checkpoint to go on from.
  void check_resumable() const;

  /// Keeps other processes out of an existing run; see RunLock.
  RunLock lock() const { return RunLock(lock_file(), path.string()); }

  /// Makes the folder for a new run, locks it and removes what an earlier run left; config.json stays until it is
  /// replaced, so that a folder in which this is killed can still be told from anybody's.
  /// Throws std::runtime_error that says what to do instead if something is there already, unless `overwrite`, which
  /// removes qkv's own files and only where config.json is qkv's, or if another process trains there.
  RunLock create(bool overwrite) const;

  /// Removes the temporary files that a process which was killed left behind. To be called with the lock held.
  void remove_temporaries() const;

 private:
  void check_free(bool overwrite) const;
};

}  // namespace qkv
