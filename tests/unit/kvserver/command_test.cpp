#include "kv/command.hpp"
#include "support/catch.hpp"

#include <string>

using namespace std::string_literals;
using namespace std::string_view_literals;
using kvserver::Command;
using kvserver::decode;
using kvserver::DeleteCommand;
using kvserver::encode;
using kvserver::SetCommand;

TEST_CASE("a command is text when its key and value are") {
  CHECK(encode(SetCommand{"name", "luffy"}) == "1 set 4 5 name luffy");
  CHECK(encode(DeleteCommand{"name"}) == "1 delete 4 name");
}

TEST_CASE("what was encoded is decoded, whatever bytes it holds") {
  const std::string nuls(100, '\0');
  const std::string all_bytes = [] {
    std::string bytes;
    for (int i = 0; i < 256; ++i) bytes.push_back(static_cast<char>(i));
    return bytes;
  }();
  for (const std::string& key : {std::string("k"), std::string("a b\n 3 4"), nuls, all_bytes}) {
    for (const std::string& value : {std::string(), std::string(" 1 set"), nuls, all_bytes}) {
      const std::string set = encode(SetCommand{key, value});
      CHECK(decode(set) == Command(SetCommand{key, value}));
    }
    const std::string erase = encode(DeleteCommand{key});
    CHECK(decode(erase) == Command(DeleteCommand{key}));
  }
}

TEST_CASE("the longest key with the longest value fits into a command") {
  const std::string key(kvserver::kKeyBytesMax, 'k');
  const std::string value(kvserver::kValueBytesMax, '\0');
  const std::string command = encode(SetCommand{key, value});
  CHECK(command.size() <= kvserver::kCommandBytesMax);
  CHECK(decode(command) == Command(SetCommand{key, value}));
}

TEST_CASE("every proper prefix and every extension of a command is refused") {
  for (const std::string& whole : {encode(SetCommand{"name", "luffy"}), encode(DeleteCommand{"name"})}) {
    for (std::size_t length = 0; length < whole.size(); ++length) CHECK_FALSE(decode(whole.substr(0, length)));
    CHECK_FALSE(decode(whole + " "));
    CHECK_FALSE(decode(whole + "\0"s));
  }
}

TEST_CASE("what encode can't have made is refused") {
  for (const std::string_view bytes : {
           ""sv,
           "1"sv,
           "2 set 1 1 k v"sv,
           "1 get 1 k"sv,
           "1 set 01 1 k v"sv,
           "1 set +1 1 k v"sv,
           "1 set -1 1 k v"sv,
           "1 set 1  1 k v"sv,
           "1 set 1 1 kv"sv,
           "1 set 1 1 k-v"sv,
           "1 set 99999999999999999999 1 k v"sv,
           "1 set 18446744073709551615 1 k v"sv,
           "1 set 1 18446744073709551615 k v"sv,
           "1 delete 2 k"sv,
           "1 delete 0x1 k"sv,
           " 1 delete 1 k"sv,
           "1\0 delete 1 k"sv,
       }) {
    INFO(bytes);
    CHECK_FALSE(decode(bytes));
  }
}
