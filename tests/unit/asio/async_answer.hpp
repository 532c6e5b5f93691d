// What the tests of handlers ask.
#pragma once

#include "asio/asio_runtime.hpp"

#include <libraft/detail/handler_operation.hpp>

#include <asio/async_result.hpp>

#include <string>
#include <system_error>
#include <utility>

namespace libraft::io {

/// An operation that has its result at once: still the handler must come later, from the queue.
template <class Token>
auto async_answer(AsioRuntime& runtime, std::error_code error, std::string text, Token&& token) {
  return asio::async_initiate<Token, void(std::error_code, std::string)>(
      [](auto handler, AsioRuntime* queue, std::error_code e, std::string t) {
        using Operation = detail::HandlerOperation<decltype(handler), std::error_code, std::string>;
        Operation::create(std::move(handler), *queue)(e, std::move(t));
      },
      token, &runtime, error, std::move(text));
}

}  // namespace libraft::io
