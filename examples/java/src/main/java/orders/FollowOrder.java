package orders;

import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import java.util.stream.Collectors;
import org.apache.avro.generic.GenericRecord;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;

/**
 * Hears every event, and prints each on a line; with an order id only those of that order.
 *
 * <pre>
 * FollowOrder                       all events from now on, until Ctrl-C
 * FollowOrder ORDER_ID [SECONDS]    ends with 0 at the order's end, with 1 after so many seconds
 * </pre>
 *
 * It joins no group and commits nothing, so any number of these may listen, and nobody notices.
 */
public final class FollowOrder {
    private static final List<String> TOPICS =
            List.of("orders", "inventory", "logistics", "sellers", "deliveries");
    private static final Set<String> LAST_WORDS = Set.of("OrderCompleted", "OrderCancelled");
    private static final int TIMEOUT_MS = 10_000;
    /** The clock of whoever made the order id may be ahead of the broker's by as much. */
    private static final Duration LEEWAY = Duration.ofMinutes(5);

    private final Wire wire = new Wire();
    private final KafkaConsumer<byte[], byte[]> consumer;
    /** Absent: all orders. */
    private final String orderId;

    private String lastWord;
    private int count;

    private FollowOrder(KafkaConsumer<byte[], byte[]> consumer, String orderId) {
        this.consumer = consumer;
        this.orderId = orderId;
    }

    public static void main(String[] arguments) {
        System.exit(run(arguments));
    }

    private static int run(String[] arguments) {
        try (var consumer = consumer()) {
            String orderId = arguments.length < 1 ? null : arguments[0];
            double seconds = arguments.length < 2 ? 60 : Double.parseDouble(arguments[1]);
            return new FollowOrder(consumer, orderId).follow(seconds) ? 0 : 1;
        } catch (IllegalArgumentException e) {
            System.err.println("usage: FollowOrder [ORDER_ID [SECONDS]]; " + e.getMessage());
            return 2;
        } catch (KafkaException e) {
            System.err.println("Kafka at " + Wire.BROKERS + ": " + e.getMessage());
            return 1;
        }
    }

    private static KafkaConsumer<byte[], byte[]> consumer() {
        Map<String, Object> config =
                Map.of(
                        "bootstrap.servers", Wire.BROKERS,
                        "enable.auto.commit", false,
                        "auto.offset.reset", "earliest",
                        "allow.auto.create.topics", false,
                        "default.api.timeout.ms", TIMEOUT_MS);
        var bytes = new ByteArrayDeserializer();
        return new KafkaConsumer<>(config, bytes, bytes);
    }

    /** Hears until the order has ended, and then what was on the topics by that time. */
    private boolean follow(double seconds) {
        Instant deadline = Instant.now().plusMillis((long) (seconds * 1000));
        begin();
        Map<TopicPartition, Long> ends = Map.of();
        while (lastWord == null || isBefore(ends)) {
            if (orderId != null && Instant.now().isAfter(deadline)) {
                System.err.printf(
                        "order %s has not ended within %s s; %d events of it heard%n",
                        orderId, seconds, count);
                return false;
            }
            boolean hadEnded = lastWord != null;
            consumer.poll(Duration.ofMillis(200)).forEach(this::show);
            if (lastWord != null && !hadEnded) {
                // Partitions are heard in any order, so what led to it may be ahead on another.
                ends = consumer.endOffsets(consumer.assignment());
            }
        }
        System.out.println(lastWord + " after " + count + " events");
        return true;
    }

    /** Begins in each partition a little before the order id was made, or at the end. */
    private void begin() {
        var partitions = new ArrayList<TopicPartition>();
        for (String topic : TOPICS) {
            var infos = consumer.partitionsFor(topic);
            if (infos == null || infos.isEmpty()) {
                throw new KafkaException("no topic " + topic + ": `choreo topics create` makes it");
            }
            infos.forEach(info -> partitions.add(new TopicPartition(topic, info.partition())));
        }
        consumer.assign(partitions);
        consumer.endOffsets(partitions).forEach(consumer::seek);
        if (orderId == null) {
            return;
        }
        long madeAtMs = UUID.fromString(orderId).getMostSignificantBits() >>> 16;
        long from = Math.max(0, madeAtMs - LEEWAY.toMillis());
        var times = new HashMap<TopicPartition, Long>();
        partitions.forEach(partition -> times.put(partition, from));
        consumer.offsetsForTimes(times).forEach(
                (partition, found) -> {
                    // Absent: nothing as young. The ends were asked for first: nothing is missed.
                    if (found != null) {
                        consumer.seek(partition, found.offset());
                    }
                });
    }

    private boolean isBefore(Map<TopicPartition, Long> ends) {
        return ends.entrySet().stream()
                .anyMatch(end -> consumer.position(end.getKey()) < end.getValue());
    }

    /** Prints an event on a line, unless it is of another order. */
    private void show(ConsumerRecord<byte[], byte[]> record) {
        String place = record.topic() + "/" + record.partition() + "@" + record.offset();
        GenericRecord event;
        try {
            event = wire.decode(record.value());
        } catch (Wire.BadRecordException e) {
            System.err.println(place + ": " + e.getMessage() + "; skipped");
            return;
        }
        Object about = event.hasField("order_id") ? event.get("order_id").toString() : null;
        if (orderId != null && !orderId.equals(about)) {
            return;
        }
        count++;
        String name = event.getSchema().getName();
        if (orderId != null && LAST_WORDS.contains(name) && lastWord == null) {
            lastWord = name;
        }
        var source = record.headers().lastHeader("ce_source");
        System.out.printf(
                "%-15s %-18s %-15s %s%n", place, name, text(source), text(event));
    }

    private static String text(Header header) {
        boolean absent = header == null || header.value() == null;
        return absent ? "-" : new String(header.value(), StandardCharsets.UTF_8);
    }

    private String text(GenericRecord event) {
        // Where an order goes is nobody's business, and which one is followed is known.
        Set<String> left = orderId == null ? Set.of("ship_to") : Set.of("ship_to", "order_id");
        return event.getSchema().getFields().stream()
                .filter(field -> !left.contains(field.name()))
                .map(field -> field.name() + "=" + event.get(field.pos()))
                .collect(Collectors.joining(" "));
    }
}
