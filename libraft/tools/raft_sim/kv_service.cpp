#include "kv_service.hpp"

#include "kv_disk.hpp"

#include "kv/command.hpp"
#include "kv/map_state_machine.hpp"

#include <cstdint>
#include <string>

namespace raft_sim {
namespace {

using libraft::testkit::Random;

std::string draw_key(Random& random) {
  return "k" + std::to_string(random.log_between(1, 64));  // some keys are hot
}

// Deletes carry no value: that of a key which nobody else uses tells them apart.
libraft::Bytes draw_command(Random& random, std::uint64_t number) {
  const std::string key = draw_key(random);
  if (random.chance(150000)) return libraft::Bytes(kvserver::encode(kvserver::DeleteCommand{key}));
  std::string value = "v" + std::to_string(number);
  if (random.chance(50000)) value.append(random.log_between(1, 700), '.');
  return libraft::Bytes(kvserver::encode(kvserver::SetCommand{key, value}));
}

}  // namespace

libraft::testkit::Service kv_service() {
  libraft::testkit::Service service;
  service.machine = [] { return std::make_unique<kvserver::MapStateMachine>(); };
  service.command = draw_command;
  service.query = draw_key;
  service.storage = kv_disk_storage();
  return service;
}

}  // namespace raft_sim
