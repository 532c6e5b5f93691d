#include "kv_service.hpp"

#include "kv_disk.hpp"

#include "kv/command.hpp"
#include "kv/map_state_machine.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

namespace raft_sim {
namespace {

using libraft::testkit::KeyValueChange;
using libraft::testkit::KeyValueLanguage;
using libraft::testkit::Random;

std::string draw_key(Random& random) {
  return "k" + std::to_string(random.log_between(1, 64));  // some keys are hot
}

// Deletes carry no value: that of a key which nobody else uses tells them apart.
libraft::Bytes draw_command(Random& random, std::uint64_t number) {
  const std::string key = draw_key(random);
  if (random.chance(150000)) return libraft::Bytes(kvserver::encode(kvserver::DeleteCommand{key}));
  // Each piece of a long one is its own too: a disk or a copy that mixes two is noticed.
  const std::string piece = "v" + std::to_string(number);
  std::string value = piece;
  if (random.chance(50000)) {
    const std::size_t size = value.size() + random.log_between(1, 700);
    while (value.size() < size) value += "." + piece;
    value.resize(size);
  }
  return libraft::Bytes(kvserver::encode(kvserver::SetCommand{key, value}));
}

KeyValueChange change_of(std::string_view bytes) {
  const auto command = kvserver::decode(bytes);
  if (!command) return {};
  if (const auto* set = std::get_if<kvserver::SetCommand>(&*command)) {
    return {std::string(set->key), std::string(set->value)};
  }
  return {std::string(std::get<kvserver::DeleteCommand>(*command).key), std::nullopt};
}

// What the kvserver should answer, said once more and without its state machine.
KeyValueLanguage kv_language() {
  KeyValueLanguage language;
  language.change_of = change_of;
  language.reply_to = [](const KeyValueChange& change, const std::string*) {
    return libraft::Bytes(change.value ? "stored" : "deleted");
  };
  language.key_of = [](std::string_view query) { return std::string(query); };
  language.answer_to = [](const std::string* value) -> libraft::Result<libraft::Bytes> {
    return value == nullptr ? libraft::Bytes() : libraft::Bytes("=" + *value);
  };
  return language;
}

}  // namespace

libraft::testkit::Service kv_service() {
  libraft::testkit::Service service;
  service.machine = [] { return std::make_unique<kvserver::MapStateMachine>(); };
  service.command = draw_command;
  service.query = draw_key;
  service.key_value = kv_language();
  service.storage = kv_disk_storage();
  return service;
}

}  // namespace raft_sim
