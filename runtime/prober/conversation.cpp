#include "runtime/prober/conversation.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <fmt/format.h>

#include "runtime/base/clock.h"

namespace podreeve::prober {
namespace {

std::string word_of(int error) {
    std::string text = std::strerror(error);
    std::transform(text.begin(), text.begin() + 1, text.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return text;
}

}  // namespace

Conversation::Conversation(std::uint32_t number, Subject& subject, World world, SteadyTime deadline)
    : number_(number), subject_(subject), world_(std::move(world)), deadline_(deadline) {
    list_addresses();
}

void Conversation::list_addresses() {
    addresses_.clear();
    interfaces_listed_ = !subject_.probe.host.empty();
    if (interfaces_listed_) {
        if (const auto address = parse_ip(subject_.probe.host)) {
            addresses_.push_back(*address);
        }
        return;
    }
    const std::vector<Address>& loopback = loopback_addresses();
    addresses_.assign(loopback.rbegin(), loopback.rend());
    if (subject_.replied) {
        std::erase(addresses_, *subject_.replied);
        addresses_.push_back(*subject_.replied);
    }
}

std::optional<DialogueResult> Conversation::step() {
    const SteadyTime began = world_.clock.steady_now();
    bytes_left_ = kMostBytes;
    SteadyTime now = began;
    do {
        moved_ = false;
        if (auto result = advance()) {
            return result;
        }
        now = world_.clock.steady_now();
    } while (moved_ && bytes_left_ > 0 && now - began < kMostTime);
    if (moved_ && now >= deadline_) {
        return out_of_time();
    }
    return std::nullopt;
}

std::optional<DialogueResult> Conversation::advance() {
    switch (state_) {
        case State::Next:
            return open_next();
        case State::Connecting:
            return check_connected();
        case State::Shaking:
            return shake_hands();
        case State::Talking:
            return talk();
    }
    return std::nullopt;
}

std::optional<DialogueResult> Conversation::open_next() {
    if (!subject_.network) {
        return DialogueResult{probe::Outcome::Unknown, subject_.trouble};
    }
    if (addresses_.empty() && !interfaces_listed_) {
        interfaces_listed_ = true;
        constexpr std::size_t kMost = kMostAddresses - 2;
        const Status seen = world_.networks.visit(*subject_.network,
                                                  [&] { addresses_ = interface_addresses(kMost); });
        if (!seen) {
            return DialogueResult{probe::Outcome::Unknown, seen.error().message};
        }
        std::reverse(addresses_.begin(), addresses_.end());
    }
    if (addresses_.empty()) {
        return DialogueResult{probe::Outcome::Failure,
                              fmt::format("port {}: {}", port(), refusal_)};
    }
    const Address next = addresses_.back();
    addresses_.pop_back();
    return connect_to(next);
}

std::optional<DialogueResult> Conversation::connect_to(const Address& address) {
    channel_.reset();
    address_ = address;
    Result<UniqueFd> fd = world_.networks.take_socket(*subject_.network, address.family());
    if (!fd && fd.error().code == Code::Unsupported) {
        return refused(EAFNOSUPPORT);
    }
    if (!fd) {
        return DialogueResult{probe::Outcome::Unknown, fd.error().message};
    }
    const Address target = address.with_port(port());
    const int result = ::connect(fd->get(), target.get(), target.size);
    if (result != 0 && errno != EINPROGRESS) {
        return refused(errno);
    }
    channel_ = std::make_unique<Channel>(std::move(*fd));
    reusable_ = true;
    ++sockets_;
    state_ = State::Connecting;
    moved_ = true;  // within one machine it is mostly there already
    return std::nullopt;
}

// A second connect() tells how the first one went.
std::optional<DialogueResult> Conversation::check_connected() {
    const Address target = address_.with_port(port());
    if (::connect(fd(), target.get(), target.size) == 0 || errno == EISCONN) {
        return connected();
    }
    if (errno == EALREADY || errno == EINPROGRESS) {
        wants_ = EPOLLOUT;
        return std::nullopt;
    }
    return refused(errno);
}

std::optional<DialogueResult> Conversation::refused(int error) {
    channel_.reset();
    refusal_ = refusal_.empty() ? word_of(error) : refusal_;
    state_ = State::Next;
    moved_ = true;
    return std::nullopt;
}

std::optional<DialogueResult> Conversation::connected() {
    subject_.replied = subject_.probe.host.empty() ? std::optional(address_) : std::nullopt;
    dialogue_ = make_dialogue(subject_.probe, port());
    if (!dialogue_) {
        return port_done();
    }
    to_send_ = dialogue_->opening();
    state_ = subject_.probe.tls ? State::Shaking : State::Talking;
    moved_ = true;
    return std::nullopt;
}

std::optional<DialogueResult> Conversation::port_done() {
    if (UniqueFd socket = reusable_ ? channel_->take_socket() : UniqueFd()) {
        Networks::give_back(*subject_.network, address_.family(), std::move(socket));
    }
    channel_.reset();
    dialogue_.reset();
    if (port_ + 1 == subject_.probe.ports.size()) {
        return DialogueResult{probe::Outcome::Success, ""};
    }
    ++port_;
    refusal_.clear();
    list_addresses();
    state_ = State::Next;
    moved_ = true;
    return std::nullopt;
}

std::optional<DialogueResult> Conversation::shake_hands() {
    switch (channel_->shake_hands(world_.tls(), bytes_left_)) {
        case IoStep::Done:
            state_ = State::Talking;
            moved_ = true;
            return std::nullopt;
        case IoStep::WantRead:
            wants_ = EPOLLIN;
            return std::nullopt;
        case IoStep::WantWrite:
            wants_ = EPOLLOUT;
            return std::nullopt;
        case IoStep::Closed:
        case IoStep::Failed:
            break;
    }
    return DialogueResult{probe::Outcome::Failure,
                          fmt::format("port {}: no TLS handshake", port())};
}

std::optional<DialogueResult> Conversation::talk() {
    const bool spoke = !to_send_.empty();
    const IoStep wrote = channel_->write(to_send_, bytes_left_);
    if (wrote == IoStep::WantWrite || wrote == IoStep::WantRead ||
        (spoke && wrote == IoStep::Done)) {
        // Nobody has an answer within the moment.
        wants_ = wrote == IoStep::WantWrite ? EPOLLOUT : EPOLLIN;
        return std::nullopt;
    }
    to_send_.clear();  // a server may answer and close before it has heard all
    heard_.clear();
    const IoStep read = channel_->read(heard_, bytes_left_);
    std::optional<DialogueResult> result;
    if (read == IoStep::Done) {
        result = dialogue_->hear(heard_, to_send_);
        moved_ = true;
    } else if (read == IoStep::WantRead || read == IoStep::WantWrite) {
        wants_ = read == IoStep::WantRead ? EPOLLIN : EPOLLOUT;
    } else {
        result = dialogue_->closed();
    }
    if (result && result->outcome == probe::Outcome::Success) {
        return port_done();
    }
    return result;
}

DialogueResult Conversation::out_of_time() const {
    const std::string why = state_ == State::Talking && dialogue_
                                ? dialogue_->pending()
                                : fmt::format("port {}: no answer", port());
    return {probe::Outcome::Failure,
            fmt::format("{} within {}", why, to_short_text(subject_.probe.timeout))};
}

}  // namespace podreeve::prober
