#include "skink/coordinator/http/responder.hpp"

#include "skink/coordinator/http/problem.hpp"

namespace skink::coordinator::http {

Responder::Responder(Deliver deliver) : deliver_(std::make_unique<Deliver>(std::move(deliver))) {}

Responder& Responder::operator=(Responder&& other) noexcept {
  std::swap(deliver_, other.deliver_);  // ours is answered when `other` is destroyed
  return *this;
}

Responder::~Responder() {
  if (deliver_) (*this)(problem(500, "no-answer", "the server has dropped this request; please report it"));
}

void Responder::operator()(Response response) {
  const std::unique_ptr<Deliver> deliver = std::move(deliver_);
  if (deliver) (*deliver)(std::move(response));
}

}  // namespace skink::coordinator::http
