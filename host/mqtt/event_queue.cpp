#include "skink/host/mqtt/event_queue.hpp"

#include "exchange.hpp"

namespace skink::mqtt {

EventQueue::EventQueue(const EventQueueOptions& options) : exchange_(std::make_shared<internal::Exchange>(options)) {}

EventQueue::~EventQueue() { exchange_->stop(); }

void EventQueue::wait(std::vector<Event>& events, std::chrono::milliseconds timeout) {
  exchange_->wait(events, timeout);
}

void EventQueue::interrupt() { exchange_->interrupt(); }

}  // namespace skink::mqtt
