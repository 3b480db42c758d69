package orders;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.security.SecureRandom;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.ExecutionException;
import org.apache.avro.Schema;
import org.apache.avro.generic.GenericDatumReader;
import org.apache.avro.generic.GenericRecord;
import org.apache.avro.io.DecoderFactory;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.common.serialization.StringSerializer;

/**
 * Places an order: says OrderPlaced on the topic {@code orders}, and waits until Kafka has it.
 * Prints the ids of order and trace. Ends with 1 when Kafka does not acknowledge.
 */
public final class PlaceOrder {
    private static final String SCHEMA = "orders/OrderPlaced.avsc";
    private static final int TIMEOUT_MS = 10_000;

    private static final SecureRandom RANDOM = new SecureRandom();

    private PlaceOrder() {}

    public static void main(String[] arguments) throws IOException, InterruptedException {
        var wire = new Wire();
        String orderId = uuid7();
        String traceId = randomHex(16);
        byte[] value = wire.encode(SCHEMA, order(wire.schema(SCHEMA), orderId));
        var record = new ProducerRecord<>("orders", orderId, value);
        headers(orderId, traceId).forEach(
                (name, text) -> record.headers().add(name, text.getBytes(StandardCharsets.UTF_8)));
        try (var producer = producer()) {
            var at = producer.send(record).get();
            System.out.println("order  " + orderId);
            System.out.println("trace  " + traceId);
            System.out.println("at     " + at.topic() + "/" + at.partition() + "@" + at.offset());
        } catch (ExecutionException | KafkaException e) {
            Throwable why = e instanceof ExecutionException ? e.getCause() : e;
            System.err.printf(
                    "Kafka at %s has not acknowledged order %s: %s%n",
                    Wire.BROKERS, orderId, why.getMessage());
            System.exit(1);
        }
    }

    private static KafkaProducer<String, byte[]> producer() {
        // Java's producer is idempotent and partitions by murmur2 unless it is told otherwise.
        Map<String, Object> config =
                Map.of(
                        "bootstrap.servers", Wire.BROKERS,
                        "acks", "all",
                        "max.block.ms", TIMEOUT_MS,
                        "request.timeout.ms", TIMEOUT_MS / 2,
                        "delivery.timeout.ms", TIMEOUT_MS);
        return new KafkaProducer<>(config, new StringSerializer(), new ByteArraySerializer());
    }

    /** What is wanted. Prices are in cents, weights in grams. */
    private static GenericRecord order(Schema schema, String orderId) throws IOException {
        String json =
                """
                {
                  "order_id": "%s",
                  "currency": "EUR",
                  "lines": [
                    {"sku": "kettle", "seller_id": "copperfield",
                     "quantity": 2, "unit_price": 3900, "unit_weight": 1200},
                    {"sku": "milk-jug", "seller_id": "acme",
                     "quantity": 1, "unit_price": 1150, "unit_weight": 350}
                  ],
                  "ship_to": {
                    "name": "Grace Example",
                    "street": "Rue de l’Église 1",
                    "postal_code": "67000",
                    "city": "Strasbourg",
                    "country": "FR"
                  }
                }
                """
                        .formatted(orderId);
        var decoder = DecoderFactory.get().jsonDecoder(schema, json);
        return new GenericDatumReader<GenericRecord>(schema).read(null, decoder);
    }

    /** W3C trace context, and CloudEvents in binary mode. */
    private static Map<String, String> headers(String orderId, String traceId) {
        var headers = new LinkedHashMap<String, String>();
        // The span that sends this. OpenTelemetry's propagator writes it from a PRODUCER span.
        headers.put("traceparent", "00-" + traceId + "-" + randomHex(8) + "-01");
        headers.put("ce_specversion", "1.0");
        headers.put("ce_id", uuid7());
        headers.put("ce_source", "/java-example");
        headers.put("ce_type", "OrderPlaced");
        headers.put("ce_time", Instant.now().truncatedTo(ChronoUnit.MILLIS).toString());
        headers.put("ce_subject", orderId);
        headers.put("content-type", "application/avro");
        headers.put("ce_correlationid", orderId);
        return headers;
    }

    /** A UUID that tells its time: milliseconds, then chance. */
    private static String uuid7() {
        long timeAndVersion = System.currentTimeMillis() << 16 | 7 << 12 | RANDOM.nextInt(1 << 12);
        long variant = 1L << 63;
        return new UUID(timeAndVersion, variant | RANDOM.nextLong() >>> 2).toString();
    }

    private static String randomHex(int bytes) {
        var random = new byte[bytes];
        RANDOM.nextBytes(random);
        return HexFormat.of().formatHex(random);
    }
}
