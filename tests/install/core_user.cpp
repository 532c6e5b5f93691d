// Uses libraft::core alone: the protocol as a value, without Asio.
#include <libraft/core.hpp>
#include <libraft/options.hpp>

int main() {
  libraft::CoreOptions options;
  if (!libraft::validate(options).empty()) return 1;
  options.heartbeat_interval = {};
  return libraft::validate(options).empty() ? 1 : 0;
}
