#pragma once
/// @file
/// The way from any thread to the server's, safe also when the server has gone.

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <functional>
#include <memory>
#include <mutex>
#include <utility>

namespace skink::coordinator::http {

class Mailbox {
 public:
  explicit Mailbox(boost::asio::io_context& io) : io_(&io) {}

  /// Has the server's thread call `work`; drops it after close(). Never waits for that thread.
  void post(std::function<void()> work) {
    const std::lock_guard lock(mutex_);
    if (io_ != nullptr) boost::asio::post(*io_, std::move(work));
  }

  /// Before the io_context is destroyed.
  void close() {
    const std::lock_guard lock(mutex_);
    io_ = nullptr;
  }

 private:
  std::mutex mutex_;  ///< guards io_
  boost::asio::io_context* io_;
};

}  // namespace skink::coordinator::http
