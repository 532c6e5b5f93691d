#include "core/context.hpp"

#include <utility>

namespace libraft::core {

PersistBatch& batch(Context& context) {
  if (!context.effects.persist) {
    ++context.state.counters.last_write.value;
    context.effects.persist.emplace();
    context.effects.persist->id = context.state.counters.last_write;
  }
  return *context.effects.persist;
}

void write_hard_state(Context& context) {
  PersistBatch& write = batch(context);
  write.hard_state = HardState{context.state.term, context.state.vote};
  context.state.term_write = write.id;
}

void append_entry(Context& context, const Entry& entry) {
  batch(context);
  context.state.log.append(entry);
  context.new_entries.push_back(entry);
}

void finish_batch(Context& context) {
  if (!context.effects.persist) return;
  context.effects.persist->entries = Entries(std::exchange(context.new_entries, {}));
  context.state.log.handed_out(context.effects.persist->id);
}

PersistId resting_on(const Context& context, Rests rests) {
  switch (rests) {
    case Rests::on_nothing:
      return PersistId{};
    case Rests::on_term_write:
      return context.state.term_write;
    case Rests::on_newest_write:
      return context.state.counters.last_write;
  }
  return context.state.counters.last_write;
}

void send(Context& context, NodeId to, MessageBody body, Rests rests) {
  Routing route;
  route.from = context.state.self;
  route.to = to;
  context.effects.messages.push_back({{route, std::move(body)}, resting_on(context, rests)});
}

void reply(Context& context, const Routing& request, MessageBody body, Rests rests) {
  send(context, request.from, std::move(body), rests);
  Routing& route = context.effects.messages.back().message.route;
  route.to_incarnation = request.from_incarnation;
  route.exchange = request.exchange;
}

}  // namespace libraft::core
