#include "transport/exchange_table.hpp"

#include <utility>

namespace kvserver {

ExchangeTable::Exchange::Exchange(ExchangeTable& table) : table_(table) {
  const std::lock_guard lock(table_.mutex_);
  number_ = ++table_.last_number_;
  table_.waiting_.emplace(number_, this);
}

ExchangeTable::Exchange::~Exchange() {
  const std::lock_guard lock(table_.mutex_);
  table_.waiting_.erase(number_);
}

std::optional<libraft::Message> ExchangeTable::Exchange::await(std::chrono::milliseconds patience) {
  std::unique_lock lock(table_.mutex_);
  answered_.wait_for(lock, patience, [this] { return reply_.has_value() || !table_.is_open_; });
  return std::move(reply_);
}

void ExchangeTable::answer(libraft::Message reply) {
  const std::lock_guard lock(mutex_);
  const auto at = waiting_.find(reply.route.exchange);
  if (at == waiting_.end() || at->second->reply_) return;
  at->second->reply_ = std::move(reply);
  at->second->answered_.notify_one();
}

void ExchangeTable::open() {
  const std::lock_guard lock(mutex_);
  is_open_ = true;
}

void ExchangeTable::close() noexcept {
  const std::lock_guard lock(mutex_);
  is_open_ = false;
  for (const auto& [number, exchange] : waiting_) exchange->answered_.notify_one();
}

}  // namespace kvserver
