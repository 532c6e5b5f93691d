// Messages in the language of scenarios: their kinds, and their fields as words.
#pragma once

#include "script.hpp"

#include <libraft/configuration.hpp>
#include <libraft/message.hpp>

#include <string>
#include <string_view>

namespace libraft::test {

/// A name such as "AppendEntries", or "any".
[[nodiscard]] bool is_kind(std::string_view word);
[[nodiscard]] std::string_view kind_of(const MessageBody& body);

/// All of its fields, as one would write them.
[[nodiscard]] Fields fields_of(const MessageBody& body);

/// The message that the statement's fields describe; what they leave out is zero. A snapshot says that `configuration`
/// was in force.
[[nodiscard]] MessageBody message_of(const Statement& statement, std::string_view kind,
                                     const Configuration& configuration);

/// "4@2", or "-" for none.
[[nodiscard]] std::string to_text(LogId id);
[[nodiscard]] std::string to_text(const std::vector<std::uint64_t>& numbers);
[[nodiscard]] std::string to_text(const Fields& fields);

}  // namespace libraft::test
