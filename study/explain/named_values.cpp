#include "qkv/study/explain/named_values.h"

#include <algorithm>
#include <cstring>
#include <fmt/format.h>
#include <iterator>

#include "qkv/datasets/visible_text.h"
#include "qkv/translation/models.h"

namespace qkv {
namespace {

const Node<double>* parent(Var<double> value, int i) { return value.node()->parents[i]; }

std::int64_t width_of(const Node<double>* node) { return node->shape.last(); }

bool is_named(const Node<double>* node, const char* name) { return std::strcmp(node->name, name) == 0; }

}  // namespace

NamedValues::NamedValues(const SentencePass& pass, const Quantities& all, const std::optional<ChosenHead>& chosen)
    : all_(all) {
  for (int i = 0; i < all.count(); ++i) named_.emplace(all[i].name, Named{all[i].sizes, i, {}});
  name_whole("loss", pass.loss().node()->index);
  name_whole("logits", pass.logits().node()->index);
  for (const char* part : {"probabilities", "loss_of_word"})
    if (const auto found = named_.find(all[pass.loss().node()->index].name + "." + part); found != named_.end())
      name_whole(part, found->second.whole);
  const bool is_rnn = std::holds_alternative<RnnConfig>(pass.trained().config.model);
  if (is_rnn) name_embeddings(pass, "source");
  if (!chosen) {
    if (is_rnn) name_encoder_decoder(pass);
    return;
  }
  std::vector<Step> steps;
  for (const AttentionRecord<double>* record : pass.attentions()) {
    if (chosen->layer != record->layer) continue;
    const bool is_fused = !record->scores;
    const std::string weights = all[record->weights.node()->index].name, fused = all[record->output.node()->index].name;
    const std::string& inside = is_fused ? fused : weights;
    steps.push_back({record, is_fused ? quantity(inside + ".scores") : record->scores.node()->index,
                     is_fused ? quantity(inside + ".scaled") : -1, quantity(inside + ".weights"),
                     quantity(inside + ".sigma")});
  }
  check(!steps.empty(), "there is no attention {} in this model", in_quotes(chosen->layer));
  const AttentionRecord<double>& first = *steps.front().record;
  check(chosen->head >= 0 && chosen->head < first.heads, "head {} does not exist; this model's heads are 0 to {}",
        chosen->head, first.heads - 1);
  if (!is_rnn) {
    name_embeddings(pass, first.kind == AttentionKind::self ? "source" : "target");
    name_whole("x", parent(first.queries, 0)->index);
    if (first.kind == AttentionKind::cross) name_whole("memory", parent(first.keys, 0)->index);
    name_projection("query", first.queries.node());
    name_projection("key", first.keys.node());
    name_projection("value", first.values.node());
    if (const Node<double>* projected = pass.first_reader(first.output.node());
        projected != nullptr && is_named(projected, "linear")) {
      name_whole("projected", projected->index);
      name_projection("output", projected);
    }
  } else {
    name_whole("states", first.values.node()->index);
    if (first.scores) {
      name_whole("keys", first.keys.node()->index);
      name_whole("query.weight", parent(first.queries, 1)->index);
      name_whole("key.weight", parent(first.keys, 1)->index);
      name_whole("energy", parent(first.scores, 2)->index);
    }
  }
  name_head(steps, chosen->head);
  if (is_rnn) name_readings_of_states(steps);
}

void NamedValues::name_whole(const std::string& name, int quantity) {
  named_.insert_or_assign(name, Named{all_[quantity].sizes, quantity, {}});
  name_of_whole_.emplace(quantity, name);
  short_names_.push_back(name);
}

void NamedValues::name_parts(const std::string& name, std::vector<int> sizes, std::vector<Place> places) {
  for (std::size_t i = 0; i < places.size(); ++i)
    address_of_part_.emplace(std::pair(places[i].quantity, places[i].element),
                             Address{false, name, index_of(sizes, static_cast<std::int64_t>(i))});
  named_.insert_or_assign(name, Named{std::move(sizes), -1, std::move(places)});
  short_names_.push_back(name);
}

void NamedValues::name_projection(const std::string& name, const Node<double>* projected) {
  name_whole(name + ".weight", projected->parents[1]->index);
  if (projected->parent_count > 2) name_whole(name + ".bias", projected->parents[2]->index);
}

void NamedValues::name_embeddings(const SentencePass& pass, const std::string& side) {
  const Node<double>* words = pass.first_reader(pass.parameter(side + "_embedding.weight"));
  name_whole("embeddings", words->index);
  if (const auto found = named_.find(all_[words->index].name + ".reach"); found != named_.end())
    name_whole("reach", found->second.whole);
  const Node<double>* placed = pass.first_reader(words);
  if (placed == nullptr || !is_named(placed, "add_positions")) return;
  std::vector<Place> places;  // of a table of more positions than words
  for (std::int64_t at = 0; at < words->shape.size(); ++at) places.push_back({placed->parents[1]->index, at});
  name_parts("positions", all_[words->index].sizes, places);
}

void NamedValues::name_head(const std::vector<Step>& steps, int head) {
  const AttentionRecord<double>& first = *steps.front().record;
  const int keys = first.weights.last();
  int queries = 0;
  for (const Step& step : steps) queries += step.record->queries.dim(1);

  /// The features of the head in each row of a value.
  const auto features = [&](const Node<double>* node, std::vector<Place>& places) {
    const std::int64_t all = width_of(node), width = all / first.heads;
    for (int row = 0; row < node->shape.rows(); ++row)
      for (std::int64_t c = head * width; c < (head + 1) * width; ++c) places.push_back({node->index, row * all + c});
  };
  const auto name_features = [&](const std::string& name, auto node_of) {
    std::vector<Place> places;
    for (const Step& step : steps) features(node_of(step), places);
    const auto rows = static_cast<std::size_t>(queries);
    name_parts(name, {queries, static_cast<int>(places.size() / rows)}, places);
  };
  const auto name_keys = [&](const std::string& name, Var<double> value) {
    std::vector<Place> places;
    features(value.node(), places);
    name_parts(name, {keys, static_cast<int>(places.size()) / keys}, places);
  };
  const auto name_rows = [&](const std::string& name, int Step::*quantity, int per_query, bool is_shown = true) {
    std::vector<Place> places;
    for (const Step& step : steps) {
      const std::int64_t size = std::int64_t{step.record->queries.dim(1)} * per_query;
      for (std::int64_t at = head * size; at < (head + 1) * size; ++at) places.push_back({step.*quantity, at});
    }
    std::vector<int> sizes{queries};
    if (per_query > 1 || quantity != &Step::sigma) sizes.push_back(per_query);
    if (is_shown) return name_parts(name, sizes, places);
    named_.insert_or_assign(name, Named{sizes, -1, std::move(places)});  // found by this name, shown by the other
    short_names_.push_back(name);
  };

  const bool is_fused = !first.scores;
  const bool projects = is_named(first.queries.node(), "linear");
  if (projects) name_features("queries", [](const Step& step) { return step.record->queries.node(); });
  const auto h_of = [&](const Step& step) {
    return projects ? parent(step.record->queries, 0) : step.record->queries.node();
  };
  if (!named_.contains("x")) name_features("h", h_of);
  if (projects && is_fused) {
    name_keys("keys", first.keys);
    name_keys("values", first.values);
  }
  if (!is_fused) {
    std::vector<Place> places;
    const int width = first.queries.last();
    for (const Step& step : steps)
      for (std::int64_t at = 0; at < std::int64_t{keys} * width; ++at)
        places.push_back({quantity(all_[step.scores].name + ".hidden"), at});
    name_parts("hidden", {queries, keys, width}, places);
  }
  name_rows("scores", &Step::scores, keys);
  if (is_fused) name_rows("scaled", &Step::scaled, keys);
  if (first.kind == AttentionKind::causal) name_rows("masked", &Step::scaled, keys, false);
  name_rows("weights", &Step::weights, keys);
  name_rows("sigma", &Step::sigma, 1);
  name_features("output", [](const Step& step) { return step.record->output.node(); });
}

void NamedValues::name_reading(const std::string& name, const std::string& how, Readers readers) {
  Named named = named_.at(name);
  named.readers = std::move(readers);
  const std::string full = fmt::format("{} {}", name, how);
  named_.insert_or_assign(full, std::move(named));
  short_names_.push_back(full);
}

void NamedValues::name_readings_of_states(const std::vector<Step>& steps) {
  const AttentionRecord<double>& first = *steps.front().record;
  const bool projects = static_cast<bool>(first.scores);
  Readers of_h, of_keys, of_values;
  for (const Step& step : steps) {
    of_h.push_back(projects ? step.record->queries.node()->index : step.scores);
    of_keys.push_back(projects ? first.keys.node()->index : step.scores);
    of_values.push_back(step.record->output.node()->index);
  }
  name_reading("h", "as queries", of_h);
  name_reading("states", "as keys", of_keys);
  name_reading("states", "as values", of_values);

  // The states are joined into one value for the attention; what else reads each of them is the recurrence.
  const Node<double>* joined = first.values.node();
  if (joined->parent_count != first.weights.last()) return;
  Named states{sizes_of("states"), -1, {}, {}};
  for (std::int32_t j = 0; j < joined->parent_count; ++j) {
    const int state = joined->parents[j]->index;
    for (std::int64_t c = 0; c < width_of(joined); ++c) states.places.push_back({state, c});
    std::ranges::copy_if(all_[state].consumers, std::back_inserter(states.readers),
                         [&](int reader) { return reader != joined->index; });
  }
  named_.insert_or_assign("states through the recurrence", std::move(states));
  short_names_.emplace_back("states through the recurrence");
}

void NamedValues::name_encoder_decoder(const SentencePass& pass) {
  const auto is_state = [](const Node<double>* node) { return is_named(node, "hold_ended"); };
  const auto name_steps = [&](const std::string& name, const Node<double>* joined) {
    std::vector<Place> places;
    for (std::int32_t i = 0; i < joined->parent_count; ++i)
      for (std::int64_t c = 0; c < width_of(joined); ++c) places.push_back({joined->parents[i]->index, c});
    name_parts(name, {joined->parent_count, static_cast<int>(width_of(joined))}, places);
  };
  for (const Node<double>* node : pass.nodes())
    if (is_named(node, "concat") && std::all_of(node->parents, node->parents + node->parent_count, is_state)) {
      name_steps("states", node);
      name_whole("context", node->parents[node->parent_count - 1]->index);
      break;
    }
  if (const Node<double>* read = parent(pass.logits(), 0); is_named(read, "concat")) name_steps("h", read);
}

int NamedValues::quantity(const std::string& name) const { return named_.at(name).whole; }

Address NamedValues::address_of(int quantity, std::int64_t element, bool gradient) const {
  if (const auto part = address_of_part_.find({quantity, element}); part != address_of_part_.end()) {
    Address address = part->second;
    address.gradient = gradient;
    return address;
  }
  const auto whole = name_of_whole_.find(quantity);
  return {gradient, whole != name_of_whole_.end() ? whole->second : all_[quantity].name,
          index_of(all_[quantity].sizes, element)};
}

std::vector<std::string> NamedValues::names() const {
  std::vector<std::string> result = short_names_;
  for (int i = 0; i < all_.count(); ++i) result.push_back(all_[i].name);
  return result;
}

const std::vector<int>& NamedValues::sizes_of(const std::string& name) const { return named_.at(name).sizes; }

}  // namespace qkv
