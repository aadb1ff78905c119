#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "qkv/study/sentence_pair.h"

namespace qkv::cli {

/// Says on standard error that a model does not know this token, and the nearest word that it knows.
void warn_of_unknown(const std::string& token, const Vocabulary& vocabulary, const Tokeniser& tokeniser);

/// The sentence, and `target` or else the model's own translation, with warnings of unknown words and of a translation
/// that was cut off. Throws WrongUsage if one of them is empty.
SentencePair read_pair(const TrainedModel& trained, const std::string& sentence,
                       const std::optional<std::string>& target);

/// Adds --attention cross|encoder|decoder.
CLI::Option* add_attention(CLI::App& command, const std::string& help, std::function<void(AttentionKind)> choose);

}  // namespace qkv::cli
