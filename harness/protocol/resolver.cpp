#include "harness/protocol/resolver.hpp"

#include <pthread.h>

#include <boost/asio/post.hpp>

namespace stampede {

Resolver::Resolver(EventLoop& loop)
    : loop_(loop), more_(questions_.get_executor()), thread_([this] {
        pthread_setname_np(pthread_self(), "resolver");
        questions_.run();
      }) {}

Resolver::~Resolver() {
  questions_.stop();
  thread_.join();
}

void Resolver::resolve(const std::string& host, const std::string& port, Done done) {
  loop_.begin_wait();
  boost::asio::post(questions_, [this, host, port, done = std::move(done)] {
    boost::system::error_code error;
    boost::asio::ip::tcp::resolver system(questions_);
    const Found found = system.resolve(host, port, error);
    loop_.submit([this, done, error, found] {
      loop_.end_wait();
      done(error, found);
    });
  });
}

}  // namespace stampede
