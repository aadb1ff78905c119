#pragma once

#include <nlohmann/json.hpp>

#include "qkv/files/durable_file.h"
#include "qkv/translation/run_folder.h"
#include "qkv/translation/saved_model.h"
#include "tests/files/temporary_folder.h"
#include "tests/translation/toy_training.h"

namespace qkv {

/// A run folder as training writes it.
struct ToyRun {
  TemporaryFolder temporary;
  RunFolder folder{temporary / "run"};
  TrainingConfig config = toy_config();
  std::vector<Pair> pairs = toy_pairs(50, 1);
  Vocabulary source{pairs, &Pair::source}, target{pairs, &Pair::target};
  std::unique_ptr<Seq2Seq<float>> model = make_model<float>(model_for(config, source.size(), target.size()));

  ToyRun() {
    folder.create(false);
    model->parameters().initialise(5);
    write_durably(folder.config(), to_json(config).dump());
    source.save(folder.source_vocabulary());
    target.save(folder.target_vocabulary());
    save_model(folder.model(), *model, AlignmentReading{0, 1, 1});
  }

  /// What loading it complains about.
  std::string loading() const {
    return message_of<std::runtime_error>([&] { load_run(folder.path.string()); });
  }

  /// The same with other settings in config.json than it was written with.
  template <class Change>
  std::string loading_with(Change change) const {
    TrainingConfig changed = toy_config();
    change(changed);
    write_durably(folder.config(), to_json(changed).dump());
    return loading();
  }
};

}  // namespace qkv
