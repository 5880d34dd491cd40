#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "runtime/base/clock.h"
#include "runtime/prober/address.h"
#include "runtime/prober/channel.h"
#include "runtime/prober/dialogue.h"
#include "runtime/prober/networks.h"

namespace podreeve::prober {

// What a question needs from one asking to the next.
struct Subject {
    probe::ProbeSpec probe;
    std::shared_ptr<const Network> network;  // null: it was not found
    std::string trouble;                     // why not
    std::optional<Address> replied;          // the address that did last; its port means nothing
};

// One question being asked. It goes through the ports in turn, and for each through the addresses
// until one takes the connection: the one that did last time, 127.0.0.1, ::1, then those of the
// container's interfaces, since a server may listen on one of them alone. Only a refusal leads to
// the next address: who takes the connection has to answer.
//
//   state        what it waits for            then
//   Connecting   the connection               Tcp: next port, or Success at the last; refused: next
//                                             address, Failure after the last
//   Shaking      the TLS handshake            Talking
//   Talking      what the dialogue needs      next port, or what the dialogue found
//
// Owned by the Asker; everything happens inside step().
class Conversation {
  public:
    struct World {
        Networks& networks;
        const Clock& clock;
        std::function<TlsContext&()> tls;
    };

    Conversation(std::uint32_t number, Subject& subject, World world, SteadyTime deadline);

    std::uint32_t number() const { return number_; }

    // Goes on as far as it can, but not for longer than kMostTime, nor over more than kMostBytes
    // from the server, nor past the deadline: whoever has more to say must not keep the others
    // waiting. Nothing: wait for wants() on fd() and call again; where is_cut_short(), without
    // waiting.
    std::optional<DialogueResult> step();

    bool is_cut_short() const { return moved_; }

    static constexpr std::chrono::milliseconds kMostTime{2};
    static constexpr std::size_t kMostBytes = 64 * 1024;
    // Tried for one question, the loopback ones among them.
    static constexpr std::size_t kMostAddresses = 8;

    int fd() const { return channel_ ? channel_->fd() : -1; }

    std::uint32_t wants() const { return wants_; }  // EPOLLIN or EPOLLOUT

    // fd() was given to somebody who waits for it: it is closed when it is done with.
    void waited_for() { reusable_ = false; }

    // Counts the sockets: when it changes, fd() is another one even with the same number.
    unsigned socket() const { return sockets_; }

    DialogueResult out_of_time() const;

  private:
    enum class State { Next, Connecting, Shaking, Talking };

    std::optional<DialogueResult> advance();
    std::optional<DialogueResult> open_next();
    std::optional<DialogueResult> connect_to(const Address& address);
    std::optional<DialogueResult> check_connected();
    std::optional<DialogueResult> shake_hands();
    std::optional<DialogueResult> talk();
    std::optional<DialogueResult> refused(int error);
    std::optional<DialogueResult> connected();
    std::optional<DialogueResult> port_done();
    void list_addresses();

    std::uint16_t port() const { return subject_.probe.ports[port_]; }

    std::uint32_t number_;
    Subject& subject_;
    World world_;
    SteadyTime deadline_;
    std::size_t bytes_left_ = 0;  // in this step
    State state_ = State::Next;
    std::size_t port_ = 0;
    std::vector<Address> addresses_;  // still to try, the next one last
    bool interfaces_listed_ = false;
    Address address_;
    std::string refusal_;  // of the first address
    std::unique_ptr<Channel> channel_;
    std::unique_ptr<Dialogue> dialogue_;
    std::string to_send_, heard_;
    std::uint32_t wants_ = 0;
    unsigned sockets_ = 0;
    bool reusable_ = false;  // the channel's socket, for the next asking
    bool moved_ = false;     // advance() came on and may go further
};

}  // namespace podreeve::prober
