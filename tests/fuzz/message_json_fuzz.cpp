// Any bytes as a body on the Raft port: refused with a word and a sentence, or a message that survives being written
// and read again.
//
// The first byte says where the body came: as a request on one of the paths, or as the reply to one of the requests.
#include "fuzz/fuzz.hpp"
#include "json/utf8.hpp"
#include "kv/node_names.hpp"
#include "transport/message_json.hpp"
#include "transport/wire_names.hpp"
#include "unit/codec/samples.hpp"

namespace {

using namespace kvserver;
using libraft::fuzz::require;
using Outcome = std::variant<WireMessage, MessageRefused>;

const WireNames& names() {
  static std::string clash;
  static const NodeNames members{*NodeNames::table_of({"node-1", "node-2"}, clash)};
  static const WireNames all{members};
  return all;
}

std::vector<libraft::Message> requests() {
  std::vector<libraft::Message> found;
  for (libraft::Message& message : libraft::test::sample_messages()) {
    if (libraft::is_request(message.body)) found.push_back(std::move(message));
  }
  return found;
}

Outcome read(std::size_t place, std::string_view body) {
  static const std::vector<libraft::Message> asked = requests();
  const auto& request = asked[place / 2 % asked.size()].body;
  return place % 2 == 0 ? read_request(path_of(request), body, names()) : read_reply(request, body, names());
}

void check(std::size_t place, std::string_view body) {
  const Outcome first = read(place, body);
  if (const auto* const refused = std::get_if<MessageRefused>(&first)) {
    require(!refused->word.empty() && !refused->sentence.empty(), "a refusal says why");
    require(is_valid_utf8(refused->sentence), "a refusal is text");
    return;
  }
  WireMessage wire = std::get<WireMessage>(first);
  const auto written = write_message(wire, names());
  require(written.has_value(), "what was read can be written");
  const Outcome second = read(place, *written);
  require(std::holds_alternative<WireMessage>(second), "what was written can be read");
  WireMessage again = std::get<WireMessage>(second);
  wire.name = again.name;  // an unknown name is written as its number
  require(again == wire, "a message that is written and read is the same");
}

}  // namespace

std::vector<std::string> libraft::fuzz::seeds() {
  std::vector<std::string> all;
  const std::vector<libraft::Message> asked = requests();
  for (libraft::Message& message : libraft::test::sample_messages()) {
    message.route.from = node_id_of("node-1");
    for (std::size_t i = 0; i < asked.size(); ++i) {
      const std::size_t index = asked[i].body.index();
      if (message.body.index() != index && message.body.index() != index + 1) continue;
      WireMessage wire;
      wire.message = message;
      wire.request_id = 42;
      wire.display_name = "n1";
      wire.client_url = "http://localhost:8081";
      wire.introductions = {{"node-2", "n2", "http://localhost:8082"}};
      const char place = static_cast<char>(2 * i + (message.body.index() - index));
      if (auto body = write_message(wire, names())) all.push_back(std::string(1, place) + *body);
    }
  }
  return all;
}

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  libraft::fuzz::Choices choices(data, size);
  const std::size_t place = choices.byte();
  check(place, choices.rest());
  return 0;
}
